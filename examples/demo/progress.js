// SPDX-License-Identifier: MIT
'use strict';

const { fit, harmless, pad, duration, wrap } = require('./text.js');

/** @import { Job } from '../../js/queue/job.js' */
/** @import { Screen } from './screen.js' */
/** @import { SectionState } from './store.js' */

const BAR = 20;
const TITLE = 26;
/** Lengths that are assumed until the first summary has come. */
const FIRST_GUESS = { chars: 240, charsPerToken: 4 };
const RATE_MS = 2000;

/** What is known of a run while it goes on: the states of the rows, and the text that streams in. */
class Progress {
  constructor() {
    /** @type {SectionState[]} */
    this.sections = [];
    /** @type {Map<string, string>} text so far, by job */
    this.texts = new Map();
    /** @type {{at: number, chars: number}[]} pieces of the last seconds */
    this.pieces = [];
    this.startedAt = Date.now();
    this.finished = { jobs: 0, chars: 0, tokens: 0 };
  }

  /** @param {SectionState[]} sections */
  see(sections) {
    this.sections = sections;
    for (const { id, status } of sections) if (status !== 'active') this.texts.delete(id);
  }

  /** @param {{id: string, text: string, restart?: boolean}} token restart: another model begins anew */
  hear({ id, text, restart }) {
    this.texts.set(id, (restart ? '' : (this.texts.get(id) ?? '')) + text);
    this.pieces.push({ at: Date.now(), chars: text.length });
  }

  /** @param {Job} job that has completed: what it took makes the estimates better */
  learn(job) {
    this.finished.jobs += 1;
    this.finished.chars += job.result?.text?.length ?? 0;
    this.finished.tokens += job.result?.usage?.outputTokens ?? 0;
  }

  /** @param {string} status */
  count(status) {
    return this.sections.filter((section) => section.status === status).length;
  }

  tokensPerSecond() {
    const since = Math.max(this.startedAt, Date.now() - RATE_MS);
    this.pieces = this.pieces.filter(({ at }) => at >= since);
    const chars = this.pieces.reduce((sum, piece) => sum + piece.chars, 0);
    const { chars: all, tokens } = this.finished;
    const charsPerToken = all > 0 && tokens > 0 ? all / tokens : FIRST_GUESS.charsPerToken;
    return chars / charsPerToken / Math.max(0.5, (Date.now() - since) / 1000);
  }

  /**
   * @param {Screen} screen
   * @returns {string[]}
   */
  lines(screen) {
    const total = this.sections.length;
    const done = this.count('completed');
    const failed = this.count('failed') + this.count('cancelled');
    const running = this.sections.filter(({ status }) => status === 'active');
    const waiting = this.sections.filter(({ status }) => status === 'waiting' || status === 'delayed');
    const parts = [`${done} of ${total}`, `${running.length} running`, `${waiting.length} waiting`];
    if (failed > 0) parts.push(`${failed} failed`);
    parts.push(`${Math.round(this.tokensPerSecond())} tokens/s`, duration(Date.now() - this.startedAt));

    const room = screen.rows - 4;
    const lines = running.slice(0, room).map((section) => this.line(section, screen));
    const titles = waiting.map(({ title, status }) => (status === 'delayed' ? `${title} (again soon)` : title)).join(', ');
    if (waiting.length > 0) lines.push(screen.paint(fit(`  waiting: ${harmless(titles)}`, screen.columns - 1), 'dim'));
    lines.push(`${this.bar((done + failed) / total, screen)} ${fit(parts.join(' · '), screen.columns - BAR - 2)}`);
    return ['', ...lines];
  }

  /**
   * @param {SectionState} section
   * @param {Screen} screen
   */
  line({ id, title }, screen) {
    const text = this.texts.get(id) ?? '';
    const { jobs, chars } = this.finished;
    const usual = jobs > 0 ? chars / jobs : FIRST_GUESS.chars;
    const tail = harmless(text.replace(/\s+/g, ' ')).slice(-Math.max(0, screen.columns - TITLE - BAR - 4));
    return `${this.bar(Math.min(0.95, text.length / usual), screen)} ${pad(harmless(title), TITLE)} ${screen.paint(tail.trimStart(), 'dim')}`;
  }

  /**
   * @param {number} share from 0 to 1
   * @param {Screen} screen
   */
  bar(share, screen) {
    const full = Math.round(Math.min(1, share) * BAR);
    return screen.paint('█'.repeat(full), 'cyan') + screen.paint('░'.repeat(BAR - full), 'dim');
  }
}

/**
 * The end of a section's job, as lines that stay.
 * @param {SectionState} section
 * @param {Job} job
 * @param {number} total
 * @param {Screen} screen
 * @returns {string[]}
 */
function endLines({ position, title }, job, total, screen) {
  const name = `[${position}/${total}] ${screen.paint(harmless(title), 'bold')}`;
  if (job.status !== 'completed') {
    const { code = job.status, message = '' } = job.error ?? {};
    return [`${screen.paint('✗', 'red')} ${name}`, ...wrap(harmless(`${code}: ${message}`), screen.columns, '    ')];
  }
  const { text = '', usage, timing } = job.result;
  const facts = [duration(timing?.totalMs)];
  if (usage?.outputTokens !== undefined) facts.unshift(`${usage.outputTokens} tokens`);
  return [`${screen.paint('✓', 'green')} ${name} ${screen.paint(`(${facts.join(', ')})`, 'dim')}`, ...wrap(harmless(text), screen.columns, '    ')];
}

module.exports = { Progress, endLines };
