// SPDX-License-Identifier: MIT
'use strict';

/**
 * Checks the JavaScript and TypeScript of the pages with the compiler's strict rules, all blocks in one program. A block that is
 * a part of something uses names of a prelude; one that uses none is a program of its own.
 */

const fs = require('node:fs');
const path = require('node:path');
const ts = require('typescript');
const { root } = require('./blocks.js');

/** @typedef {import('./blocks.js').Block} Block */

/**
 * @typedef {object} Checked
 * @property {string[]} mistakes with the page's line
 * @property {boolean} whole it uses no name of a prelude, so it can run
 * @property {string[]} modules that it loads
 * @property {string} source as it can be run
 * @property {string} extension
 */

const preludes = path.join(__dirname, 'preludes');
const folder = path.join(root, 'build', 'docs-blocks');

/** Types of nowhere: a `let` of JavaScript that is filled later, a parameter that JavaScript cannot annotate. */
const NOT_OF_JAVASCRIPT = new Set([7005, 7006, 7019, 7031, 7034]);
const NO_SUCH_MODULE = 2307;

/**
 * The text of a block as a file. What is put around it stays on its lines.
 * @param {Block} block
 * @returns {{extension: string, source: string, checked: string}}
 */
function asFile({ language, text, how }) {
  const typescript = language.endsWith('ts') || language === 'tsx';
  const isModule = /^(import|export)\b/m.test(text);
  const isCommonJs = /\brequire\(|\bmodule\.exports\b/.test(text) && !isModule;
  const extension = typescript ? (language === 'ts' ? 'mts' : language) : isCommonJs ? 'cjs' : 'mjs';
  // A CommonJS file cannot wait at its top; the pages leave the function around it out.
  const wrapped = isCommonJs && !typescript && /^(?!.*=>)(?:\S.*)?\bawait\b/m.test(text) && !/async function/.test(text);
  const source = wrapped ? `(async () => { ${text.trimEnd()}\n})();\n` : text;
  const names = how.names?.split(',') ?? [];
  const own = names.map((name) => (typescript ? `declare let ${name}: any;` : `/** @type {any} */ var ${name};`)).join('\n');
  return { extension, source, checked: `${source}${own}\n${isCommonJs || isModule ? '' : 'export {};\n'}` };
}

/**
 * @param {Block[]} blocks
 * @param {boolean} browser whether the browser's names are known
 * @returns {Map<Block, Checked>}
 */
function checkProgram(blocks, browser) {
  /** @type {Map<string, {block: Block, extension: string, source: string, checked: string}>} */
  const files = new Map();
  for (const block of blocks) {
    const made = asFile(block);
    files.set(path.join(folder, `${block.page.replace(/\W/g, '-')}-${block.line}.${made.extension}`), { block, ...made });
  }
  /** @type {import('typescript').CompilerOptions} */
  const options = {
    strict: true,
    noEmit: true,
    allowJs: true,
    checkJs: true,
    module: ts.ModuleKind.Preserve,
    target: ts.ScriptTarget.ES2023,
    lib: ['lib.es2023.d.ts', ...(browser ? ['lib.dom.d.ts', 'lib.dom.iterable.d.ts'] : [])],
    types: ['node'],
    typeRoots: [path.join(root, 'node_modules', '@types')],
    skipLibCheck: true,
    resolveJsonModule: true,
    allowImportingTsExtensions: true,
    paths: { 'llm-jobs': [path.join(root, 'js', 'index.js')], 'llm-jobs/*': [path.join(root, 'js', '*.js')] },
  };
  const host = ts.createCompilerHost(options);
  const { readFile, fileExists, getSourceFile } = host;
  host.fileExists = (file) => files.has(path.normalize(file)) || fileExists(file);
  host.readFile = (file) => files.get(path.normalize(file))?.checked ?? readFile(file);
  host.getSourceFile = (file, ...rest) => {
    const known = files.get(path.normalize(file));
    return known ? ts.createSourceFile(file, known.checked, rest[0], true) : getSourceFile(file, ...rest);
  };
  const declarations = fs.readdirSync(preludes).filter((name) => (name === 'renderer.d.ts') <= browser && !(browser && name === 'electron.d.ts'));
  const program = ts.createProgram([...files.keys(), ...declarations.map((name) => path.join(preludes, name))], options, host);
  for (const name of declarations) {
    const [mistake] = program.getSemanticDiagnostics(program.getSourceFile(path.join(preludes, name)));
    if (mistake) throw new Error(`${name}: ${ts.flattenDiagnosticMessageText(mistake.messageText, ' ')}`);
  }
  const result = new Map();
  for (const [file, { block, extension, source }] of files) {
    const tree = /** @type {import('typescript').SourceFile} */ (program.getSourceFile(file));
    const used = preludesOf(tree, program.getTypeChecker());
    const mistakes = [...program.getSyntacticDiagnostics(tree), ...program.getSemanticDiagnostics(tree)]
      .filter((mistake) => isMistake(mistake, extension))
      .map((mistake) => {
        const { line } = tree.getLineAndCharacterOfPosition(mistake.start ?? 0);
        return `${block.page}:${block.line + line}: ${ts.flattenDiagnosticMessageText(mistake.messageText, ' ')} (TS${mistake.code})`;
      });
    const allowed = ['common', ...(block.how.prelude?.split(',') ?? [])];
    for (const name of allowed) {
      if (!fs.existsSync(path.join(preludes, `${name}.d.ts`))) mistakes.push(`${block.page}:${block.line}: there is no prelude ${name}`);
    }
    for (const [name, prelude] of used) {
      if (!allowed.includes(prelude)) {
        mistakes.push(`${block.page}:${block.line}: ${name} is of the prelude ${prelude}: put <!-- test: prelude=${prelude} --> before the block`);
      }
    }
    const modules = [...source.matchAll(/(?:\bfrom\s+|\brequire\(|\bimport\s*\(?\s*)['"]([^'"]+)['"]/g)].map(([, name]) => name);
    result.set(block, { mistakes, whole: used.size === 0 && block.how.names === undefined, modules, source, extension });
  }
  return result;
}

/** @param {import('typescript').Diagnostic} mistake @param {string} extension */
function isMistake({ code, messageText }, extension) {
  // A file of the reader's own.
  if (code === NO_SUCH_MODULE && /module '\.{1,2}\//.test(ts.flattenDiagnosticMessageText(messageText, ' '))) return false;
  return !(/js$/.test(extension) && NOT_OF_JAVASCRIPT.has(code));
}

/**
 * @param {import('typescript').SourceFile} tree
 * @param {import('typescript').TypeChecker} checker
 * @returns {Map<string, string>} the names that the file has from preludes, and which
 */
function preludesOf(tree, checker) {
  const used = new Map();
  const visit = (/** @type {import('typescript').Node} */ node) => {
    if (ts.isIdentifier(node)) {
      const symbol = ts.isShorthandPropertyAssignment(node.parent) ? checker.getShorthandAssignmentValueSymbol(node.parent) : checker.getSymbolAtLocation(node);
      const from = symbol?.declarations?.[0]?.getSourceFile().fileName ?? '';
      if (path.dirname(path.normalize(from)) === preludes && !from.endsWith('better-sqlite3.d.ts')) used.set(node.text, path.basename(from, '.d.ts'));
    }
    ts.forEachChild(node, visit);
  };
  visit(tree);
  return used;
}

/**
 * @param {Block[]} blocks of JavaScript and TypeScript
 * @returns {Map<Block, Checked>}
 */
function checkTypes(blocks) {
  const isOfBrowser = (/** @type {Block} */ { how }) => how.prelude?.split(',').includes('renderer') ?? false;
  const browser = blocks.filter(isOfBrowser);
  const node = blocks.filter((block) => !isOfBrowser(block));
  return new Map([...checkProgram(node, false), ...(browser.length > 0 ? checkProgram(browser, true) : [])]);
}

module.exports = { checkTypes };
