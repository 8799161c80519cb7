// SPDX-License-Identifier: MIT
'use strict';

/**
 * The demo: summarises a text file, one job for each section. It does what an app does: it adds the jobs to a table of its own
 * database, starts the worker, and reads the rows.
 */

const crypto = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { startWorker } = require('llm-jobs');
const { readArguments, UsageError, HELP } = require('./arguments.js');
const { countWords } = require('./fake-model.js');
const { findModel } = require('./find-model.js');
const { Progress, endLines } = require('./progress.js');
const { Screen } = require('./screen.js');
const { splitSections } = require('./sections.js');
const { Store } = require('./store.js');
const { tableLines } = require('./table.js');

/** @import { Arguments } from './arguments.js' */
/** @import { Section } from './sections.js' */
/** @import { SectionState } from './store.js' */

const MAX_FILE_BYTES = 4 * 1024 * 1024;
const REFRESH_MS = 100;
/** How long a run of the fake model is meant to take when a person watches. */
const WATCHED_MS = 7000;
/** Ctrl-C in a terminal also ends the worker, which may be seen before the signal is. */
const SIGNAL_MS = 300;

const ENDED = new Set(['completed', 'failed', 'cancelled']);

/** The worker's job type: what every summarising job has in common. A job's data fills the braces. */
const TYPES = {
  summarise: {
    system: 'You summarise sections of a text. Answer with one or two plain sentences, without a heading and without Markdown.',
    prompt: 'Summarise the section "{{title}}":\n{{text}}',
  },
};

/**
 * @param {string[]} argv
 * @returns {Promise<number>} the exit code
 */
async function main(argv) {
  // 1. What is asked for
  const args = readArguments(argv);
  if (args.help) {
    process.stdout.write(`${HELP}\n`);
    return 0;
  }
  const { name, sections, source } = readInput(args);
  const screen = new Screen(process.stdout);
  const interruption = listenForSignals();

  // 2. The jobs, in the database
  const store = new Store(placeOf(args, source), source, args.resume);
  try {
    const earlier = store.states();
    const again = earlier.length > 0 ? store.addFailedAgain() : (store.add(sections), 0);
    screen.print(screen.paint(`llm-jobs demo: ${name}, ${sections.length} section${sections.length === 1 ? '' : 's'}`, 'bold'));
    screen.print(`Database: ${store.db.name}`);
    if (args.resume) screen.print(earlier.length > 0 ? resumed(earlier, again) : 'Nothing to resume: this text is new here. It starts from the beginning.');

    // 3. The worker, for what is left to do
    const ended = (/** @type {SectionState} */ state) => ENDED.has(state.status);
    const startedAt = Date.now();
    if (!store.states().every(ended)) {
      await work(args, sections, store, screen, interruption);
      if (!store.states().every(ended)) return tellInterrupted(args, store, screen, interruption);
    }

    // 4. What it took
    const rows = store.states().map(({ title, id }) => ({ title, job: /** @type {any} */ (store.queue.get(id)) }));
    screen.print(...tableLines(rows, screen), '', `Done in ${((Date.now() - startedAt) / 1000).toFixed(1)} s.`);
    const failed = rows.filter(({ job }) => job.status !== 'completed').length;
    if (failed === 0) return 0;
    screen.print(`${failed} failed; their rows say why. When that is mended, try them again: ${resumeCommand(args)}`);
    return 1;
  } finally {
    screen.clear();
    store.close();
  }
}

/**
 * Runs the worker until every section's job has ended, somebody stops it, or it dies.
 * @param {Arguments} args
 * @param {Section[]} sections
 * @param {Store} store
 * @param {Screen} screen
 * @param {Interruption} interruption
 */
async function work(args, sections, store, screen, interruption) {
  // Before the worker starts: what ends before we watch has not been shown yet.
  const shown = new Set(store.states().filter(({ status }) => ENDED.has(status)).map(({ id }) => id));
  const model = await findModel({
    fake: args.fake,
    tokenMs: args.slow ?? pace(sections, args.concurrency, screen.live),
    say: (line) => screen.print(line),
  });
  screen.print(model.line, '');
  try {
    const worker = await startWorker({
      database: store.db.name,
      workerId: 'demo',
      concurrency: args.concurrency,
      providers: model.providers,
      models: { demo: model.model },
      types: TYPES,
      // A person may kill the demo as often as there is something to see, and does not want to wait for what it left behind.
      maxStalls: 1000,
      leaseMs: 5000,
      logLevel: 'warn',
      onLog: (_level, line) => screen.print(screen.paint(`worker: ${line}`, 'dim')),
    });
    try {
      await watch(worker, store, shown, screen, interruption);
    } finally {
      // What still runs is given back, and counts as no try.
      await worker.stop({ deadlineMs: 0 });
    }
  } catch (error) {
    // The worker that was told to end by the same Ctrl-C is no trouble.
    if (!interruption.signal) throw error;
  } finally {
    await model.close();
  }
}

/**
 * Shows what happens. The rows tell what is so; the worker's messages only make it visible sooner, and bring the text that is
 * still streaming.
 * @param {import('../../js/host.js').Worker} worker
 * @param {Store} store
 * @param {Set<string>} shown ids of the jobs whose end is told already
 * @param {Screen} screen
 * @param {Interruption} interruption
 */
async function watch(worker, store, shown, screen, interruption) {
  const progress = new Progress();
  const refresh = () => {
    const states = store.states();
    progress.see(states);
    for (const state of states) {
      if (shown.has(state.id) || !ENDED.has(state.status)) continue;
      const job = /** @type {import('../../js/queue/job.js').Job} */ (store.queue.get(state.id));
      shown.add(state.id);
      if (job.status === 'completed') progress.learn(job);
      screen.print(...endLines(state, job, states.length, screen));
    }
    const left = states.length - shown.size;
    if (left > 0) screen.draw(progress.lines(screen));
    return left;
  };

  worker.on('token', (token) => progress.hear(token));
  await worker.subscribe({ tokens: true });
  await new Promise((/** @type {(value?: unknown) => void} */ resolve, reject) => {
    const look = () => {
      try {
        if (refresh() === 0) finish(null);
      } catch (error) {
        finish(error);
      }
    };
    const timer = setInterval(look, REFRESH_MS);
    const finish = (/** @type {unknown} */ error) => {
      clearInterval(timer);
      worker.off('job', look).off('failed', onFailed);
      if (error) reject(error);
      else resolve();
    };
    const onFailed = () => setTimeout(() => finish(interruption.signal ? null : died()), SIGNAL_MS);
    worker.on('job', look).once('failed', onFailed);
    interruption.onSignal(() => finish(null));
    look();
  });
  screen.clear();
}

function died() {
  return Object.assign(new Error('the worker process dies again and again; what it has finished is kept, and --resume goes on'), { code: 'WORKER_CRASHED' });
}

/**
 * @typedef {object} Interruption
 * @property {string | null} signal that came, if any
 * @property {(listener: () => void) => void} onSignal called when it comes, or at once if it has
 */

/**
 * Ctrl-C ends the run in good order; the second one ends the process. A pipe that nobody reads any more counts as one.
 * @returns {Interruption}
 */
function listenForSignals() {
  /** @type {(() => void)[]} */
  const listeners = [];
  /** @type {Interruption} */
  const interruption = {
    signal: null,
    onSignal(listener) {
      if (interruption.signal) listener();
      else listeners.push(listener);
    },
  };
  const interrupt = (/** @type {string} */ signal) => {
    if (interruption.signal) process.exit(exitCode(signal));
    interruption.signal = signal;
    listeners.forEach((listener) => listener());
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => interrupt(signal));
  process.stdout.on('error', () => interruption.signal ?? interrupt('SIGPIPE'));
  return interruption;
}

/** @param {string} signal */
function exitCode(signal) {
  return 128 + (os.constants.signals[/** @type {NodeJS.Signals} */ (signal)] ?? 0);
}

/**
 * @param {Arguments} args
 * @param {Store} store
 * @param {Screen} screen
 * @param {Interruption} interruption
 */
function tellInterrupted(args, store, screen, { signal }) {
  const states = store.states();
  const done = states.filter(({ status }) => status === 'completed').length;
  screen.print('', `Stopped: ${done} of ${states.length} sections are done, the others wait in the database. Go on with`, `  ${resumeCommand(args)}`);
  return signal ? exitCode(signal) : 1;
}

/**
 * @param {SectionState[]} earlier
 * @param {number} again
 */
function resumed(earlier, again) {
  const done = earlier.filter(({ status }) => status === 'completed').length;
  const failed = again > 0 ? `; ${again} that failed ${again === 1 ? 'is' : 'are'} tried again` : '';
  return `Resumed: ${done} of ${earlier.length} sections are done already${failed}.`;
}

/** @param {Arguments} args */
function resumeCommand({ file, database, fake }) {
  const quote = (/** @type {string} */ text) => (/^[\w./:=@%+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`);
  const parts = ['npm run demo -- --resume'];
  if (fake) parts.push('--fake');
  if (database !== null) parts.push('--database', quote(database));
  if (file !== null) parts.push(quote(file));
  return parts.join(' ');
}

/**
 * @param {Arguments} args
 * @returns {{name: string, sections: Section[], source: string}}
 */
function readInput({ file }) {
  const full = file === null ? path.join(__dirname, '..', '..', 'README.md') : resolve(file);
  const name = file ?? 'README.md';
  let bytes;
  try {
    const { size } = fs.statSync(full);
    if (size > MAX_FILE_BYTES) throw new UsageError(`${name} has ${size} bytes; the demo takes at most ${MAX_FILE_BYTES}`);
    bytes = fs.readFileSync(full);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    const { code, message } = /** @type {NodeJS.ErrnoException} */ (error);
    const reason = { ENOENT: 'there is no such file', EISDIR: 'it is a folder', EACCES: 'it may not be read' }[code ?? ''];
    throw new UsageError(`${name} cannot be read: ${reason ?? message}`);
  }
  if (bytes.includes(0)) throw new UsageError(`${name} is no text file`);
  const sections = splitSections(bytes.toString('utf8'));
  if (sections.length === 0) throw new UsageError(`${name} holds no text`);
  return { name, sections, source: crypto.createHash('sha256').update(bytes).digest('hex').slice(0, 16) };
}

/**
 * @param {Arguments} args
 * @param {string} source
 */
function placeOf({ database }, source) {
  return database === null ? path.join(os.tmpdir(), 'llm-jobs-demo', `${source}.db`) : resolve(database);
}

/**
 * npm starts scripts in the project's folder; a path means where the person was.
 * @param {string} file
 */
function resolve(file) {
  const { npm_lifecycle_event: script, INIT_CWD: start } = process.env;
  return path.resolve(script === 'demo' && start ? start : process.cwd(), file);
}

/**
 * Milliseconds between two words of the fake model.
 * @param {Section[]} sections
 * @param {number} concurrency
 * @param {boolean} watched
 */
function pace(sections, concurrency, watched) {
  if (!watched) return 2;
  const words = countWords(sections.map(({ text }) => text));
  return Math.round(Math.min(120, Math.max(4, (WATCHED_MS * Math.min(concurrency, sections.length)) / words)));
}

main(process.argv.slice(2)).then(
  (code) => (process.exitCode = code),
  (error) => {
    const usage = error instanceof UsageError;
    process.stderr.write(`demo: ${usage || error.code ? error.message : (error.stack ?? error)}\n`);
    process.exitCode = usage ? 2 : 1;
  }
);
