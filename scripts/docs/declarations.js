// SPDX-License-Identifier: MIT
'use strict';

/** The declarations of js/ as a program of the TypeScript compiler, made in memory from the JSDoc comments. */

const path = require('node:path');
const ts = require('typescript');
const paths = require('../setup/paths');

const folder = path.join(paths.build, 'types');

/** @returns {Map<string, string>} the declarations by file, as `npm run types` writes them */
function emitDeclarations() {
  const { config } = ts.readConfigFile(path.join(paths.root, 'tsconfig.json'), ts.sys.readFile);
  const { options, fileNames } = ts.parseJsonConfigFileContent(config, ts.sys, paths.root);
  const program = ts.createProgram(fileNames, { ...options, noEmit: false, declaration: true, emitDeclarationOnly: true, rootDir: paths.root, outDir: folder });
  /** @type {Map<string, string>} */
  const files = new Map();
  program.emit(undefined, (file, text) => files.set(path.normalize(file), text), undefined, true);
  return files;
}

/**
 * @param {string[]} entries files of js/, such as `js/index.js`
 * @returns {{checker: import('typescript').TypeChecker, sources: import('typescript').SourceFile[]}} the entries' declarations
 */
function openDeclarations(entries) {
  const files = emitDeclarations();
  const roots = entries.map((entry) => path.join(folder, entry.replace(/\.js$/, '.d.ts')));
  const options = { module: ts.ModuleKind.Node16, target: ts.ScriptTarget.ES2023, lib: ['lib.es2023.d.ts'], types: ['node'], typeRoots: [path.join(paths.modules, '@types')], skipLibCheck: true, strict: true };
  const host = ts.createCompilerHost(options);
  const { readFile, fileExists, getSourceFile, directoryExists } = host;
  host.fileExists = (file) => files.has(path.normalize(file)) || fileExists(file);
  host.directoryExists = (name) => path.normalize(name).startsWith(folder) || (directoryExists?.(name) ?? true);
  host.readFile = (file) => files.get(path.normalize(file)) ?? readFile(file);
  host.getSourceFile = (file, ...rest) => {
    const text = files.get(path.normalize(file));
    return text === undefined ? getSourceFile(file, ...rest) : ts.createSourceFile(file, text, rest[0], true);
  };
  const program = ts.createProgram(roots, options, host);
  const sources = roots.map((root) => /** @type {import('typescript').SourceFile} */ (program.getSourceFile(root)));
  return { checker: program.getTypeChecker(), sources };
}

/** @param {import('typescript').Node} node @returns {boolean} whether it is declared in js/ */
const isOurs = (node) => path.normalize(node.getSourceFile().fileName).startsWith(path.join(folder, 'js'));

module.exports = { openDeclarations, isOurs };
