// SPDX-License-Identifier: MIT
'use strict';

/**
 * Makes docs/benchmarks.md, and the plots in docs/images, from figures that `npm run bench -- --save` has written:
 *
 *     npm run bench:page                   from bench/figures.json
 *     npm run bench:page -- FILE           from another
 *
 * The prose comes from bench/page/: intro.md, repeat.md, and a file for each part. It holds no figure of its own; `{{PART > FIGURE}}`
 * and `{{PART > TABLE > ROW > COLUMN}}` stand for those that were measured. misses.md says why a budget is missed: a heading
 * `## PART: FIGURE` for each, in which `*` stands for anything, and the reason below it. A missed budget without a reason is an error.
 */

const fs = require('node:fs');
const path = require('node:path');
const { setup, main } = require('../scripts/setup.js');
const { SetupError } = require('../scripts/setup/say');
const { limitOf, shown } = require('./lib/report.js');
const { parts } = require('./parts.js');

/** @import { Figure, Measured, Report, Spread, Table } from './lib/report.js' */

const root = path.join(__dirname, '..');
const PAGE = path.join(root, 'docs', 'benchmarks.md');
const IMAGES = path.join(root, 'docs', 'images');
const FIGURES = path.join(__dirname, 'figures.json');
const PROSE = path.join(__dirname, 'page');

/** The heats of `end-to-end` that the first tables show, by the ids of its tables. */
const HEATS = { 'plain 10': 'whole answers, 10 at a time', 'plain 100': '100 at a time', 'stream 10': 'streams, 10 at a time', 'stream 100': '100 at a time' };
const OWN = 'llm-jobs';

/** @typedef {Record<string, string>} Prose by the name of its file, without `.md` */
/** @typedef {Figure & {part: string, whole: string}} Judged with its whole name */

/** @param {number} value */
function told(value) {
  const [whole, rest] = shown(value).replace('-', '−').split('.');
  return whole.replace(/\B(?=(\d{3})+$)/g, ',') + (rest === undefined ? '' : `.${rest}`);
}

/** @param {Spread} spread */
function toldSpread({ median, low, high }) {
  return low === high ? told(median) : `${told(median)} (${told(low)}–${told(high)})`;
}

/** @param {number} value @param {string} unit */
const withUnit = (value, unit) => `${told(value)} ${unit}`.trim();

/** @param {string[]} columns @param {string[][]} rows @param {string} [align] a letter for each column: l or r */
function markdownTable(columns, rows, align = '') {
  const line = (/** @type {string[]} */ cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  const rule = `|${columns.map((_, i) => (align[i] === 'r' ? '---:' : '---')).join('|')}|`;
  return [line(columns), rule, ...rows.map(line)].join('\n');
}

/** A name that begins with blanks belongs to the last one that does not. @param {Figure[]} figures @returns {(Figure & {whole: string})[]} */
function wholeNames(figures) {
  let above = '';
  return figures.map((one) => {
    const name = one.name.trim();
    if (name === one.name) above = name;
    return { ...one, whole: name === one.name ? name : `${above}: ${name}` };
  });
}

/** @param {Report} report @returns {Judged[]} all figures that have a budget */
function judged(report) {
  return partsOf(report).flatMap(([part, { figures }]) => wholeNames(figures).filter((one) => one.pass !== undefined).map((one) => ({ ...one, part })));
}

/** In the order of bench/parts.js. @param {Report} report @returns {[string, Measured][]} */
function partsOf(report) {
  return Object.keys(parts).filter((name) => report.parts[name] !== undefined).map((name) => [name, report.parts[name]]);
}

/** @param {Judged} one */
const verdict = ({ pass }) => (pass ? 'met' : '**missed**');

/** @param {Figure} one */
const limit = ({ unit, ...one }) => (one.pass === undefined ? '' : `${limitOf(one).replace('budget', 'at most')} ${unit}`.trim());

/** The stack whose name a row's name is or begins with. @param {Report} report @param {string} row */
function stackOf({ stacks }, row) {
  const name = Object.keys(stacks).filter((one) => row === one || row.startsWith(`${one} `) || row.startsWith(`${one},`)).sort((a, b) => b.length - a.length)[0];
  return stacks[name];
}

/** What a cut of the power takes, in a few words; the whole sentence stands with the stacks. @param {string} durability */
const briefly = (durability) => durability.split(/[:;]/)[0];

/** @param {Report} report @param {Table} table */
function tableText(report, { title, columns, rows, full = false }) {
  const stacks = rows.map((row) => stackOf(report, row.name));
  const durable = stacks.some((one) => one !== undefined);
  const notes = rows.some((row) => row.note !== undefined);
  const head = [...columns, ...(durable ? ['durability'] : []), ...(notes ? [''] : [])];
  const lines = rows.map(({ name, cells, note = '' }, i) => [
    name,
    ...cells.map(toldSpread),
    ...(durable ? [briefly(stacks[i]?.durability[full ? 'full' : 'usual'] ?? '')] : []),
    ...(notes ? [note] : []),
  ]);
  return `**${title}**\n\n${markdownTable(head, lines, `l${'r'.repeat(columns.length - 1)}`)}`;
}

/** @param {Figure[]} figures */
function figuresText(figures) {
  const lines = wholeNames(figures).map((one) => [one.whole, withUnit(one.value, one.unit), limit(one), one.pass === undefined ? '' : verdict({ ...one, part: '' }), one.note ?? '']);
  const used = [0, 1, 2, 3, 4].filter((column) => lines.some((line) => line[column] !== ''));
  const pick = (/** @type {string[]} */ line) => used.map((column) => line[column]);
  return markdownTable(pick(['figure', 'measured', 'budget', 'verdict', '']), lines.map(pick), used.map((column) => 'lrlll'[column]).join(''));
}

/** Which parts say little. @param {import('./lib/report.js').Report} report @returns {string[]} */
function quickNotice(report) {
  const quick = Object.keys(report.parts).filter((name) => report.parts[name].taken.quick);
  if (quick.length === 0) return [];
  return [`**Of ${quick.join(', ')} the figures are those of a quick run, which shows that the benchmarks work; they say little.**`];
}

/**
 * Puts what was measured in the place of its name. What a quick run leaves out is a dash.
 * @param {Report} report
 * @param {string} text
 * @param {string} file for the error
 */
function fill(report, text, file) {
  return text.replace(/\{\{([^}]+)\}\}/g, (_, name) => {
    const [part, ...rest] = name.split('>').map((/** @type {string} */ word) => word.trim());
    const measured = report.parts[part];
    if (measured === undefined) throw new Error(`bench/page/${file}.md names {{${name}}}, but "${part}" was not measured: run npm run bench -- ${part} --save bench/figures.json`);
    const found = rest.length === 1 ? figureAt(measured, rest[0]) : cellAt(measured, rest);
    if (found === null && !measured.taken.quick) throw new Error(`bench/page/${file}.md names {{${name}}}, which is not in the figures`);
    return found ?? '–';
  });
}

/** @param {Measured} measured @param {string} name */
function figureAt({ figures }, name) {
  const found = wholeNames(figures).find((one) => one.whole === name);
  return found === undefined ? null : withUnit(found.value, found.unit);
}

/** @param {Measured} measured @param {string[]} names of the table (its id or title), the row and the column */
function cellAt({ tables = [] }, [id, row, column]) {
  const table = tables.find((one) => one.id === id || one.title === id);
  const cell = table?.rows.find((one) => one.name === row)?.cells[table.columns.indexOf(column) - 1];
  return cell === undefined ? null : told(cell.median);
}

/**
 * @typedef {{pattern: RegExp, heading: string, text: string}} Reason
 *
 * @param {string} text of misses.md
 * @returns {Reason[]}
 */
function readReasons(text) {
  return text.split(/^## /m).slice(1).map((section) => {
    const [heading, ...rest] = section.split('\n');
    const reason = rest.join('\n').trim();
    if (reason === '') throw new Error(`bench/page/misses.md: "${heading}" has no reason below it`);
    const pattern = new RegExp(`^${heading.trim().split('*').map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&')).join('.*')}$`);
    return { pattern, heading: heading.trim(), text: reason };
  });
}

/**
 * @param {Report} report
 * @param {Prose} prose
 */
function missesText(report, prose) {
  const missed = judged(report).filter(({ pass }) => !pass);
  if (missed.length === 0) return 'None.';
  const reasons = readReasons(prose.misses ?? '');
  /** @type {Map<string, Judged[]>} by the reason */
  const byReason = new Map();
  const bare = [];
  for (const one of missed) {
    const reason = reasons.find(({ pattern }) => pattern.test(`${one.part}: ${one.whole}`));
    if (reason === undefined && !report.parts[one.part].taken.quick) bare.push(`"${one.part}: ${one.whole}"`);
    const text = reason === undefined ? 'Measured by a quick run, whose verdict says little.' : fill(report, reason.text, 'misses');
    byReason.set(text, [...(byReason.get(text) ?? []), one]);
  }
  if (bare.length > 0) throw new Error(`bench/page/misses.md has no reason for ${bare.join(', ')}: profile and write it down, or write that it has not been found yet`);
  return [...byReason]
    .map(([text, all]) => `${all.map((one) => `- **${one.part}: ${one.whole}**: ${withUnit(one.value, one.unit)}, ${limit(one)}`).join('\n')}\n\n${text}`)
    .join('\n\n');
}

/** What a stranger asks first: how many jobs, and for how much work. @param {Report} report */
function answersText(report) {
  const race = report.parts['end-to-end'];
  const tables = Object.keys(HEATS).map((id) => race?.tables?.find((one) => one.id === id));
  if (tables.every((one) => one === undefined)) throw new Error('"end-to-end" was not measured: run npm run bench -- end-to-end --save bench/figures.json');
  const names = tables.find((one) => one !== undefined)?.rows.map((row) => row.name) ?? [];
  const cellOf = (/** @type {Table | undefined} */ table, /** @type {string} */ name, /** @type {number} */ column) => table?.rows.find((row) => row.name === name)?.cells[column].median;
  const compared = (/** @type {number} */ column, /** @type {(own: number, other: number) => number} */ ratio) =>
    names.map((name) => [
      name === OWN ? `**${name}**` : name,
      ...tables.map((table) => {
        const value = cellOf(table, name, column);
        const own = cellOf(table, OWN, column);
        if (value === undefined || own === undefined) return '–';
        return name === OWN ? `**${told(value)}**` : `${told(value)} (${Number(ratio(own, value).toPrecision(2))} ×)`;
      }),
      briefly(report.stacks[name].durability.usual),
    ]);
  const columns = (/** @type {string} */ what) => [what, ...Object.values(HEATS), 'durability'];
  return [
    'Jobs a second, and in brackets how many times as many `llm-jobs` does:',
    markdownTable(columns('stack'), compared(0, (own, other) => own / other), 'lrrrrl'),
    'Seconds of CPU for 1,000 jobs, of all processes of a stack, and in brackets how many times as much as `llm-jobs` needs:',
    markdownTable(columns('stack'), compared(1, (own, other) => other / own), 'lrrrrl'),
    ...flushedText(report, race?.tables?.filter(({ full }) => full) ?? []),
  ].join('\n\n');
}

/** Jobs a second of those stacks that have been run so that no power cut takes a result. @param {Report} report @param {Table[]} tables */
function flushedText({ stacks }, tables) {
  const names = [...new Set(tables.flatMap(({ rows }) => rows.map(({ name }) => name)))];
  if (names.length === 0) return [];
  const valueOf = (/** @type {Table} */ { rows }, /** @type {string} */ name) => rows.find((row) => row.name === name)?.cells[0].median;
  const lines = names.map((name) => [
    name === OWN ? `**${name}**` : name,
    ...tables.map((table) => {
      const [own, value] = [valueOf(table, OWN), valueOf(table, name)];
      if (value === undefined || own === undefined) return '–';
      return name === OWN ? `**${told(value)}**` : `${told(value)} (${Number((own / value).toPrecision(2))} ×)`;
    }),
    briefly(stacks[name].durability.full),
  ]);
  // "whole answers, 10 at a time, everything flushed (2000 jobs)" without what all have in common.
  const titles = tables.map(({ title }) => title.replace(/, everything flushed| \(.*\)$/g, ''));
  return ['Jobs a second at equal durability, where no stack may lose a result to a power cut:', markdownTable(['stack', ...titles, 'durability'], lines, `l${'r'.repeat(titles.length)}l`)];
}

/** @param {Report} report @param {Prose} prose */
function budgetsText(report, prose) {
  const lines = judged(report).map((one) => [`[${one.part}](#${anchorOf(headingOf(prose, one.part))})`, one.whole, withUnit(one.value, one.unit), limit(one), verdict(one)]);
  return markdownTable(['part', 'figure', 'measured', 'budget', 'verdict'], lines, 'llrll');
}

/** As GitHub makes it. @param {string} heading */
const anchorOf = (heading) => heading.toLowerCase().replace(/[^\w\- ]/g, '').replaceAll(' ', '-');

/** @param {Report} report */
function machineText({ machine, versions }) {
  const { cpu, cores, memoryMb, system, temporary, flushMs } = machine;
  return [
    `${cpu}, ${cores} cores, ${told(Math.round(memoryMb / 1024))} GB of memory, ${system}. The databases are on ${temporary}, where writing 4 KB and flushing them takes ${told(flushMs)} ms at the median: each durable commit pays that once.`,
    `${Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(', ')}.`,
  ].join('\n\n');
}

/** @param {Report} report */
function stacksText({ stacks }) {
  const lines = Object.entries(stacks).map(([name, { about, durability }]) => [name, about, durability.usual, durability.full]);
  return markdownTable(['stack', 'what it is', 'durability as users run it', 'and where everything is flushed'], lines);
}

/** @param {Report} report @param {Prose} prose @param {string} name @param {Measured} measured */
function partText(report, prose, name, { settings, figures, tables = [], series = [], taken }) {
  const text = fill(report, (prose[name] ?? '').replace(/^# .*/, ''), name).trim();
  const { date, commit, quick, seconds, load } = taken;
  return [
    `## ${headingOf(prose, name)}`,
    text,
    ...series.map(({ name: plot, title }) => `![${title}](images/bench-${plot}.svg)`),
    ...tables.map((table) => tableText(report, table)),
    figures.length > 0 ? figuresText(figures) : '',
    // What is said of the stacks has a table of its own.
    Object.entries(settings).filter(([key, value]) => !String(value).startsWith(report.stacks[key]?.about ?? '\n')).map(([key, value]) => `- ${key}: ${value}`).join('\n'),
    `\`npm run bench -- ${name}\`${quick ? ', **a quick run**' : ''}: ${told(seconds)} s on ${date.slice(0, 10)} at commit ${commit}; load of the machine ${load[0]} before and ${load[1]} after.`,
  ]
    .filter((one) => one !== '')
    .join('\n\n');
}

/** @param {Prose} prose @param {string} name */
function headingOf(prose, name) {
  return /^# (.*)/.exec(prose[name] ?? '')?.[1] ?? name;
}

/**
 * @param {Report} report
 * @param {Prose} prose
 * @returns {string} the page
 */
function makePage(report, prose) {
  const all = judged(report);
  const missed = all.filter(({ pass }) => !pass).length;
  const sections = [
    '<!-- Made by `npm run bench:page` from bench/figures.json and bench/page/: change those. -->',
    '# Benchmarks',
    ...quickNotice(report),
    missed === 0
      ? `All ${all.length} figures that have a budget are within it.`
      : `${missed} of the ${all.length} figures that have a budget miss it: [which, and why](#missed-budgets).`,
    fill(report, prose.intro, 'intro').trim().replace('<!-- answers -->', answersText(report)),
    '## Missed budgets',
    missesText(report, prose),
    '## Budgets of the design',
    budgetsText(report, prose),
    fill(report, prose.repeat, 'repeat').trim().replace('<!-- machine -->', machineText(report)).replace('<!-- stacks -->', stacksText(report)),
    ...partsOf(report).map(([name, measured]) => partText(report, prose, name, measured)),
  ];
  return `${sections.join('\n\n')}\n`;
}

/** @param {string} [folder] @returns {Prose} */
function readProse(folder = PROSE) {
  const files = fs.readdirSync(folder).filter((file) => file.endsWith('.md'));
  return Object.fromEntries(files.map((file) => [path.basename(file, '.md'), fs.readFileSync(path.join(folder, file), 'utf8')]));
}

/** @param {Report} report */
async function draw(report) {
  const names = new Set(Object.values(report.parts).flatMap(({ series = [] }) => series.map(({ name }) => `bench-${name}.svg`)));
  for (const file of fs.readdirSync(IMAGES)) if (file.startsWith('bench-') && !names.has(file)) fs.rmSync(path.join(IMAGES, file));
  if (names.size === 0) return;
  await setup({ comparing: true, parts: [] });
  await require('./plots.js').drawPlots(report, IMAGES);
}

/** @param {string} file @returns {Report} */
function readReport(file) {
  try {
    return JSON.parse(fs.readFileSync(file, 'utf8'));
  } catch (error) {
    throw new SetupError(`${file} holds no figures: ${/** @type {Error} */ (error).message}`);
  }
}

if (require.main === module) {
  main(async () => {
    const report = readReport(process.argv[2] ?? FIGURES);
    fs.writeFileSync(PAGE, makePage(report, readProse()));
    await draw(report);
  });
}

module.exports = { makePage, readProse, PAGE, FIGURES };
