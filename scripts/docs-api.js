// SPDX-License-Identifier: MIT
'use strict';

/**
 * Writes docs/api.md: what the package exports, from the JSDoc comments and types of js/.
 *
 *     node scripts/docs-api.js           writes it
 *     node scripts/docs-api.js --check   says whether it is up to date; exit code 1 when it is not
 */

const fs = require('node:fs');
const path = require('node:path');
const ts = require('typescript');
const { openDeclarations, isOurs } = require('./docs/declarations.js');

/** @typedef {import('typescript').Node} Node */

const target = path.join(__dirname, '..', 'docs', 'api.md');
const { exports: exported } = require('../package.json');

/** What is in each entry, for the page's reader. */
/** @type {Record<string, string>} */
const ABOUT = {
  '.': 'The queue and the worker. [queue.md](queue.md) and [worker.md](worker.md) tell how they are used.',
  './testing': 'A provider for tests: [worker.md](worker.md#tests-of-your-own).',
  './vite': 'What bundles a worker for an Electron app.',
  './preload': 'For the preload script of a window.',
  './forge': 'Settings for Electron Forge.',
};
/** Tables of Drizzle say nothing in this form. */
const ELSEWHERE = { './drizzle': '`llmJobs`, the table for Drizzle: [drizzle.md](drizzle.md).', './worker': 'The file that is forked; it exports nothing.' };

const names = Object.keys(exported).filter((name) => exported[name].types !== undefined && !(name in ELSEWHERE));
const { checker, sources } = openDeclarations(names.map((name) => exported[name].default.slice(2)));

/** @type {Set<import('typescript').Symbol>} types that the page has named, in the order in which they came up */
const mentioned = new Set();
/** @type {Set<import('typescript').Symbol>} */
const told = new Set();

/** @param {import('typescript').Symbol} symbol */
const resolved = (symbol) => (symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol);

/** Remembers a type, or the one that it is another name of. @param {import('typescript').Symbol} symbol */
function remember(symbol) {
  const declaration = symbol.declarations?.[0];
  const type = declaration && ts.isTypeAliasDeclaration(declaration) ? declaration.type : undefined;
  if (type !== undefined && ts.isImportTypeNode(type) && type.typeArguments === undefined) mention(type);
  else mentioned.add(symbol);
}

/** Remembers the types of ours that a declaration names. @param {Node | undefined} node */
function mention(node) {
  if (node === undefined) return;
  const name = ts.isTypeReferenceNode(node) ? node.typeName : ts.isImportTypeNode(node) ? node.qualifier : ts.isTypeQueryNode(node) ? node.exprName : undefined;
  const symbol = name && checker.getSymbolAtLocation(name);
  if (symbol) {
    const type = resolved(symbol);
    const [declaration] = type.declarations ?? [];
    if (declaration && isOurs(declaration) && !ts.isTypeParameterDeclaration(declaration)) remember(type);
  }
  ts.forEachChild(node, mention);
}

/** The words before the tags. @param {Node} node */
function textOf(node) {
  const [comment] = ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc);
  return (ts.getTextOfJSDocComment(comment?.comment) ?? '').trim().replace(/\bdocs\/([\w-]+\.md)/g, '[$1]($1)');
}

/** The words of a type. What several types of a file have in common is about the file. @param {import('typescript').TypeAliasDeclaration} node */
function typeWords(node) {
  const text = textOf(node);
  const others = node.getSourceFile().statements.filter((one) => one !== node && ts.isTypeAliasDeclaration(one));
  return others.some((one) => textOf(one) === text) ? '' : text;
}

/** @param {Node} node @param {string} name */
const hasTag = (node, name) => ts.getJSDocTags(node).some((tag) => tag.tagName.text === name);

/** A type as it is written, on one line. @param {Node | undefined} node */
function typeText(node) {
  if (node === undefined) return '';
  mention(node);
  return node
    .getText()
    .replace(/import\("[^"]*"\)\./g, '')
    .replace(/\/\*\*.*?\*\//gs, '')
    .replace(/\s+/g, ' ')
    .replace(/;? }/g, ' }')
    .replace(/"/g, "'");
}

/** @param {string} text */
const code = (text) => `\`${text}\``;
/** @param {string} text */
const cell = (text) => text.replaceAll('|', '\\|').replace(/\s*\n\s*/g, ' ');

/** @param {import('typescript').SignatureDeclaration} node @param {string} head what stands before the parameters */
function signatureOf(node, head) {
  const parameters = node.parameters.map((parameter) => {
    // What was taken apart in the source has no name of its own.
    const name = ts.isIdentifier(parameter.name) ? parameter.name.text : 'options';
    return `${name}${parameter.questionToken || parameter.initializer ? '?' : ''}: ${typeText(parameter.type)}`;
  });
  const generics = node.typeParameters ? `<${node.typeParameters.map(typeText).join(', ')}>` : '';
  const result = node.type ? `: ${typeText(node.type)}` : '';
  return code(`${head}${generics}(${parameters.join(', ')})${ts.isConstructorDeclaration(node) ? '' : result}`);
}

/** What the tags say of parameters and of the result. @param {Node} node */
function tagLines(node) {
  const lines = [];
  for (const tag of ts.getJSDocTags(node)) {
    const words = (ts.getTextOfJSDocComment(tag.comment) ?? '').replace(/\s*\n\s*/g, ' ').trim();
    if (words === '') continue;
    if (ts.isJSDocParameterTag(tag) && ts.isIdentifier(tag.name)) lines.push(`- ${code(tag.name.text)}: ${words}`);
    if (ts.isJSDocTemplateTag(tag)) lines.push(`- ${code(tag.typeParameters.map((one) => one.name.text).join(', '))}: ${words}`);
    if (ts.isJSDocReturnTag(tag)) lines.push(`- Returns ${words}`);
  }
  return lines.join('\n');
}

/** @param {(string | undefined)[]} parts */
const paragraphs = (parts) => parts.filter((part) => part !== undefined && part !== '').join('\n\n');

/** @param {import('typescript').ClassDeclaration} node */
function classPage(node) {
  const name = node.name?.text ?? '';
  const instance = name[0].toLowerCase() + name.slice(1);
  const parts = [`### ${name}`, textOf(node), tagLines(node)];
  /** @type {Map<string, import('typescript').MethodDeclaration[]>} */
  const methods = new Map();
  const members = [];
  for (const member of node.members) {
    if (hasTag(member, 'internal') || (member.name && ts.isPrivateIdentifier(member.name))) continue;
    if (ts.canHaveModifiers(member) && ts.getModifiers(member)?.some(({ kind }) => kind === ts.SyntaxKind.PrivateKeyword)) continue;
    if (ts.isConstructorDeclaration(member)) parts.push(`#### new ${name}`, signatureOf(member, `new ${name}`), textOf(member), tagLines(member));
    else if (ts.isMethodDeclaration(member)) methods.set(member.name.getText(), [...(methods.get(member.name.getText()) ?? []), member]);
    else if (ts.isGetAccessor(member) || ts.isPropertyDeclaration(member)) {
      members.push(`| ${code(member.name.getText())} | ${code(cell(typeText(member.type)))} | ${cell(textOf(member))} |`);
    }
  }
  if (members.length > 0) parts.push(`#### Members of ${name}`, `| member | type | meaning |\n|---|---|---|\n${members.join('\n')}`);
  const events = node.heritageClauses?.[0]?.types[0].typeArguments?.[0];
  if (events) parts.push(`#### Events of ${name}`, eventTable(events));
  for (const [method, overloads] of methods) {
    parts.push(`#### ${instance}.${method}`, overloads.map((one) => signatureOf(one, method)).join('\n\n'), ...new Set(overloads.map(textOf)), ...new Set(overloads.map(tagLines)));
  }
  return paragraphs(parts);
}

/** @param {Node} node the type argument of EventEmitter */
function eventTable(node) {
  const rows = checker.getTypeAtLocation(node).getProperties().map((event) => {
    const declaration = /** @type {import('typescript').PropertySignature} */ (event.declarations?.[0]);
    const comes = typeText(declaration.type).replace(/^\[(.*)\]$/, '$1');
    return `| ${code(event.name)} | ${code(cell(comes))} | ${cell(textOf(declaration))} |`;
  });
  // Its members are the table.
  if (ts.isTypeReferenceNode(node)) told.add(resolved(/** @type {import('typescript').Symbol} */ (checker.getSymbolAtLocation(node.typeName))));
  return `| event | comes with | when |\n|---|---|---|\n${rows.join('\n')}`;
}

/** @param {import('typescript').Symbol} symbol @returns {string} */
function typePage(symbol) {
  const [declaration] = symbol.declarations ?? [];
  if (ts.isClassDeclaration(declaration)) return classPage(declaration);
  if (!ts.isTypeAliasDeclaration(declaration)) return '';
  const generics = declaration.typeParameters ? `<${declaration.typeParameters.map((one) => one.name.text).join(', ')}>` : '';
  const head = [`#### type ${symbol.name}`, typeWords(declaration)];
  const { type } = declaration;
  if (!ts.isTypeLiteralNode(type) || !type.members.every(ts.isPropertySignature)) return paragraphs([...head, code(`${symbol.name}${generics} = ${typeText(type)}`)]);
  const rows = type.members.map((member) => `| ${code(`${member.name.getText().replace(/"/g, '')}${member.questionToken ? '?' : ''}`)} | ${code(cell(typeText(member.type).replace(/ \| undefined$/, '')))} | ${cell(textOf(member))} |`);
  return paragraphs([...head, `| member | type | meaning |\n|---|---|---|\n${rows.join('\n')}`]);
}

/** @param {import('typescript').Symbol} symbol @returns {string} */
function exportPage(symbol) {
  told.add(symbol);
  const [declaration] = symbol.declarations ?? [];
  if (ts.isClassDeclaration(declaration)) return classPage(declaration);
  if (ts.isFunctionDeclaration(declaration)) {
    const all = /** @type {import('typescript').FunctionDeclaration[]} */ (symbol.declarations);
    return paragraphs([`### ${symbol.name}`, all.map((one) => signatureOf(one, symbol.name)).join('\n\n'), textOf(all[0]), tagLines(all[0])]);
  }
  if (ts.isVariableDeclaration(declaration)) return paragraphs([`### ${symbol.name}`, code(`${symbol.name}: ${typeText(declaration.type)}`), textOf(declaration.parent.parent)]);
  return '';
}

/** @param {import('typescript').Symbol} symbol */
const isType = (symbol) => symbol.declarations?.every((one) => ts.isTypeAliasDeclaration(one)) ?? false;

const sections = names.map((name, index) => {
  const module = checker.getSymbolAtLocation(sources[index]);
  const all = (module ? checker.getExportsOfModule(module) : []).map(resolved);
  const values = all.filter((symbol) => !isType(symbol)).map(exportPage);
  all.filter(isType).forEach(remember);
  /** @type {string[]} */
  const classes = [];
  /** @type {string[]} */
  const types = [];
  // Each may name further ones.
  for (const symbol of mentioned) {
    if (told.has(symbol)) continue;
    told.add(symbol);
    (isType(symbol) ? types : classes).push(typePage(symbol));
  }
  return paragraphs([`## llm-jobs${name.slice(1)}`, ABOUT[name], ...values, ...classes, types.length > 0 ? `### Types of llm-jobs${name.slice(1)}` : '', ...types]);
});

const page = `<!-- Made by scripts/docs-api.js from the comments in js/; change those, then run npm run docs. -->

# API

${paragraphs([
  "What the package exports, with its types; made from the comments of the source. `?` marks what may be left out. Other entries:",
  Object.entries(ELSEWHERE).map(([name, words]) => `- ${code(`llm-jobs${name.slice(1)}`)}: ${words}`).join('\n'),
  ...sections,
])}
`;

if (process.argv.includes('--check')) {
  const same = fs.existsSync(target) && fs.readFileSync(target, 'utf8') === page;
  if (!same) process.stderr.write('docs/api.md is not what scripts/docs-api.js makes of js/: run npm run docs\n');
  process.exitCode = same ? 0 : 1;
} else {
  fs.writeFileSync(target, page);
}
