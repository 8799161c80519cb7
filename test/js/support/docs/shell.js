// SPDX-License-Identifier: MIT
'use strict';

/** What the shell blocks of the pages name: scripts of package.json, commands of `llm-jobs`, files, and well-known programs. */

const fs = require('node:fs');
const path = require('node:path');
const { COMMANDS } = require('../../../../js/cli/usage.js');
const { root } = require('./blocks.js');

const read = (/** @type {string} */ file) => JSON.parse(fs.readFileSync(path.join(root, file), 'utf8'));
const { scripts, bin } = read('package.json');
/** Of an app such as the example. */
const { scripts: ofApps } = read('examples/electron-app/package.json');

/** Programs of the reader's machine, which are not ours to check. */
const OTHERS = new Set(['cd', 'mkdir', 'git', 'sqlite3', 'ollama', 'export', 'set', 'ls', 'cp', 'curl', 'xvfb-run', 'sudo', 'docker']);
/** Commands of npm itself that the pages may name. */
const OF_NPM = new Set(['install', 'i', 'ci', 'pack', 'publish', 'init', 'create', 'start', 'test', 'rebuild', 'explore', 'ls', 'uninstall', 'audit', 'view']);
/** Programs of other packages that the pages may start with npx. */
const OF_OTHERS = new Set(['electron-forge', 'electron-builder', 'electron', 'asar', '@electron/asar', 'vite', 'tsc', 'drizzle-kit', 'install-electron', 'create-electron-app@latest', '@electron/fuses']);

/**
 * @param {string} text
 * @returns {string[][]} the words of each command
 */
function commandsOf(text) {
  return text
    .replace(/\\\n/g, ' ')
    .split('\n')
    .flatMap((line) => line.replace(/(^|\s)#.*$/, '').split(/\s*(?:&&|\|\||;|\|)\s*/))
    .map((command) => command.match(/"[^"]*"|'[^']*'|\S+/g) ?? [])
    .filter((words) => words.length > 0)
    .map((words) => words.map((word) => word.replace(/^(["'])(.*)\1$/, '$2')));
}

/**
 * @param {string[]} words
 * @returns {string | null} what is wrong with a command
 */
function mistakeOf(words) {
  const [program, ...args] = words.slice(words.findIndex((word) => !/^[A-Z_]+=/.test(word)));
  if (OTHERS.has(program)) return null;
  if (program === 'npm') return mistakeOfNpm(args);
  if (program === 'npx') {
    const [name, command] = args.filter((word) => word !== '--yes');
    if (bin[name] === undefined) return OF_OTHERS.has(name) ? null : `npx ${name} is no program that we know`;
    return COMMANDS[command] === undefined && !command.startsWith('--') ? `llm-jobs has no command ${command}` : null;
  }
  if (program === 'node' || program === 'node_modules/.bin/node') {
    const script = args.find((word) => !word.startsWith('-'));
    return script === undefined || isFile(script) || !script.includes('/') ? null : `there is no file ${script}`;
  }
  return `${program} is no program that we know`;
}

/** @param {string[]} args */
function mistakeOfNpm(args) {
  const [command, name] = args;
  const script = command === 'run' ? name : command;
  if (scripts[script] === undefined && ofApps[script] === undefined) return OF_NPM.has(command) ? null : `package.json has no script ${script}`;
  const missing = args.find((word) => /^(test|bench|examples|scripts|docs)\/[\w/.-]+\.\w+$/.test(word) && !isFile(word));
  return missing === undefined ? null : `there is no file ${missing}`;
}

/** @param {string} file */
const isFile = (file) => fs.existsSync(path.join(root, file));

/**
 * @param {string[]} words
 * @returns {string[] | null} the arguments of a command of ours that may be run: it names a database and waits for nothing
 */
function cheap(words) {
  if (words[0] !== 'npx' || words[1] !== 'llm-jobs' || words.includes('--watch')) return null;
  return words.some((word) => word.endsWith('.db')) ? words.slice(2) : null;
}

module.exports = { commandsOf, mistakeOf, cheap };
