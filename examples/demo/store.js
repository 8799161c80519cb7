// SPDX-License-Identifier: MIT
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const Database = require('better-sqlite3');
const { Queue } = require('llm-jobs');
const { UsageError } = require('./arguments.js');

/** @import { Section } from './sections.js' */

/**
 * What the demo itself keeps, as any app would: its own table beside llm_jobs, in the same file and the same transactions.
 */
const CREATE = `CREATE TABLE IF NOT EXISTS demo_sections (
  source TEXT NOT NULL,       -- hash of the text that the section is from
  position INTEGER NOT NULL,  -- from 1
  title TEXT NOT NULL,
  job_id TEXT NOT NULL,       -- the job that summarises it
  PRIMARY KEY (source, position)
)`;

/** @typedef {{position: number, title: string, id: string, status: string, startedAt: number | null}} SectionState */

/** The sections of one text and their jobs. */
class Store {
  /**
   * @param {string} file
   * @param {string} source
   * @param {boolean} resume otherwise the file of an earlier run is removed
   */
  constructor(file, source, resume) {
    fs.mkdirSync(path.dirname(file), { recursive: true });
    refuseForeign(file);
    // The main file first: without it, the others mean nothing.
    if (!resume) for (const suffix of ['', '-wal', '-shm']) fs.rmSync(file + suffix, { force: true });

    this.db = new Database(file);
    this.db.pragma('journal_mode = WAL');
    this.db.exec(CREATE);
    this.queue = new Queue(this.db);
    this.source = source;
    this.select = this.db.prepare(
      'SELECT position, title, job_id AS id, status, processed_on AS startedAt FROM demo_sections ' +
        'JOIN llm_jobs ON llm_jobs.id = job_id WHERE source = ? ORDER BY position'
    );
  }

  /** @returns {SectionState[]} empty when there is no earlier run on this text */
  states() {
    return /** @type {SectionState[]} */ (this.select.all(this.source));
  }

  /**
   * One row and one job for each section. They commit together: a run that is killed here leaves all of them or none.
   * @param {Section[]} sections
   */
  add(sections) {
    const insert = this.db.prepare('INSERT INTO demo_sections (source, position, title, job_id) VALUES (?, ?, ?, ?)');
    this.db.transaction(() => {
      const ids = this.queue.addBulk(sections.map((data) => ({ name: 'summarise', data, options: { model: 'demo' } })));
      sections.forEach(({ title }, index) => insert.run(this.source, index + 1, title, ids[index]));
    })();
  }

  /**
   * New jobs for the sections whose jobs have failed.
   * @returns {number} how many
   */
  addFailedAgain() {
    const update = this.db.prepare('UPDATE demo_sections SET job_id = ? WHERE source = ? AND position = ?');
    const failed = this.states().filter(({ status }) => status === 'failed' || status === 'cancelled');
    this.db.transaction(() => {
      for (const { position, id } of failed) {
        const { data } = /** @type {import('../../js/queue/job.js').Job} */ (this.queue.get(id));
        update.run(this.queue.add('summarise', data, { model: 'demo' }), this.source, position);
      }
    })();
    return failed.length;
  }

  close() {
    this.db.close();
  }
}

/**
 * The demo removes the file of its last run, and nobody else's.
 * @param {string} file
 */
function refuseForeign(file) {
  if (!fs.existsSync(file) || (fs.statSync(file).isFile() && fs.statSync(file).size === 0)) return;
  let own = false;
  try {
    const db = new Database(file, { readonly: true });
    own = db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'demo_sections'").get() !== undefined;
    db.close();
  } catch {
    // No database at all: then it is not the demo's.
  }
  if (!own) throw new UsageError(`${file} exists and is no database of this demo; choose another file with --database`);
}

module.exports = { Store };
