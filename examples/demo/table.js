// SPDX-License-Identifier: MIT
'use strict';

const { duration, harmless, pad, width } = require('./text.js');

/** @import { Job } from '../../js/queue/job.js' */
/** @import { Screen } from './screen.js' */

const MIN_TITLE = 12;

/** @type {{title: string, side: 'left' | 'right', of: (job: Job) => string}[]} */
const COLUMNS = [
  { title: 'model', side: 'left', of: (job) => harmless(job.result?.model ?? job.error?.model ?? '–') },
  { title: 'tokens in', side: 'right', of: (job) => number(job.result?.usage?.inputTokens) },
  { title: 'out', side: 'right', of: (job) => number(job.result?.usage?.outputTokens) },
  { title: 'waited', side: 'right', of: (job) => duration(job.result?.timing?.queuedMs) },
  { title: 'first token', side: 'right', of: (job) => duration(job.result?.timing?.firstTokenMs) },
  { title: 'total', side: 'right', of: (job) => duration(job.result?.timing?.totalMs) },
  { title: 'tries', side: 'right', of: (job) => String(job.attempts) },
];

/**
 * Usage and times of each section and, in the last line, of all.
 * @param {{title: string, job: Job}[]} rows
 * @param {Screen} screen
 * @returns {string[]}
 */
function tableLines(rows, screen) {
  const jobs = rows.map(({ job }) => job);
  const cells = [COLUMNS.map(({ title }) => title), ...jobs.map((job) => COLUMNS.map(({ of }) => of(job))), totals(jobs)];
  const widths = COLUMNS.map((_, index) => Math.min(24, Math.max(...cells.map((row) => width(row[index])))));
  const others = widths.reduce((sum, one) => sum + one + 2, 0);
  const titles = ['section', ...rows.map(({ title, job }) => harmless(job.status === 'completed' ? title : `${title} (${job.status})`)), 'all'];
  const first = Math.max(MIN_TITLE, Math.min(Math.max(...titles.map(width)), screen.columns - others));
  const lines = cells.map((row, line) =>
    [pad(titles[line], first), ...row.map((cell, index) => pad(cell, widths[index], COLUMNS[index].side))].join('  ').trimEnd()
  );
  const rule = '─'.repeat(first + others);
  return ['', screen.paint(lines[0], 'bold'), rule, ...lines.slice(1, -1), rule, screen.paint(lines[lines.length - 1], 'bold')];
}

/** @param {Job[]} jobs */
function totals(jobs) {
  const sum = (/** @type {(job: Job) => number | undefined} */ of) => {
    const known = jobs.map(of).filter((one) => one !== undefined);
    return known.length === 0 ? undefined : known.reduce((all, one) => all + one, 0);
  };
  return [
    '',
    number(sum((job) => job.result?.usage?.inputTokens)),
    number(sum((job) => job.result?.usage?.outputTokens)),
    '',
    '',
    duration(sum((job) => job.result?.timing?.totalMs)),
    String(sum((job) => job.attempts) ?? 0),
  ];
}

/** @param {number | undefined} value */
function number(value) {
  return value === undefined ? '–' : String(value);
}

module.exports = { tableLines };
