// SPDX-License-Identifier: MIT
'use strict';

/**
 * A quit of the app is held up once, until its workers have stopped, and then asked for again. `app.exit()`, a crash and the end of
 * the user's session raise none of these events; then the leases of the rows bring the jobs back.
 *
 * The time for it is 'will-quit', when every window has agreed to close: a page may refuse and keep the app, which then needs its
 * workers. Without windows nothing can refuse, and 'before-quit' is early enough to matter, since other listeners may close the
 * database at 'will-quit'.
 *
 * @typedef {{stop: (options: {deadlineMs: number}) => Promise<void>}} Stoppable
 * @typedef {{readonly defaultPrevented: boolean, preventDefault: () => void}} QuitEvent
 * @typedef {(event: 'before-quit' | 'will-quit', listener: (event: QuitEvent) => void) => unknown} Listen
 * @typedef {{on: Listen, off: Listen, quit: () => void}} QuittingApp
 * @typedef {{app: QuittingApp, BaseWindow?: {getAllWindows: () => unknown[]}}} QuittingElectron what is used of the module `electron`
 */

/** A worker that has not ended so long after its deadline ends with the app. */
const GRACE_MS = 1000;

/** All workers of an app, which share one held quit. */
class Quit {
  /** @type {Map<Stoppable, number>} the workers, and their deadlines */ #workers = new Map();
  /** @type {'none' | 'stopping' | 'stopped'} */ #state = 'none';
  #listening = false;
  #electron;

  /** @param {QuittingElectron} electron */
  constructor(electron) {
    this.#electron = electron;
  }

  #onBeforeQuit = (/** @type {QuitEvent} */ event) => {
    if (this.#state === 'none' && (this.#electron.BaseWindow?.getAllWindows().length ?? 0) > 0) return;
    this.#hold(event);
  };

  #onWillQuit = (/** @type {QuitEvent} */ event) => this.#hold(event);

  /** @param {QuitEvent} event */
  #hold(event) {
    // Somebody else wants the app to live on.
    if (event.defaultPrevented || this.#state === 'stopped') return;
    event.preventDefault();
    if (this.#state === 'stopping') return;
    this.#state = 'stopping';
    void this.#stopAll();
  }

  async #stopAll() {
    const deadlines = [...this.#workers.values()];
    /** @type {NodeJS.Timeout | undefined} */
    let timer;
    const late = new Promise((resolve) => (timer = setTimeout(resolve, Math.max(0, ...deadlines) + GRACE_MS)));
    const stops = [...this.#workers].map(([worker, deadlineMs]) => worker.stop({ deadlineMs }));
    await Promise.race([Promise.allSettled(stops), late]);
    clearTimeout(timer);
    this.#state = 'stopped';
    this.#electron.app.quit();
    this.#listen(this.#workers.size > 0);
  }

  /** @param {boolean} wanted */
  #listen(wanted) {
    if (wanted === this.#listening) return;
    this.#listening = wanted;
    const { app } = this.#electron;
    const change = (wanted ? app.on : app.off).bind(app);
    change('before-quit', this.#onBeforeQuit);
    change('will-quit', this.#onWillQuit);
  }

  /**
   * @param {Stoppable} worker
   * @param {number} deadlineMs
   */
  add(worker, deadlineMs) {
    this.#listen(true);
    // The app lives on after a quit that somebody prevented, and has started another worker.
    if (this.#state === 'stopped') this.#state = 'none';
    this.#workers.set(worker, deadlineMs);
  }

  /** @param {Stoppable} worker */
  remove(worker) {
    this.#workers.delete(worker);
    if (this.#state !== 'stopping') this.#listen(this.#workers.size > 0);
  }
}

/** @type {WeakMap<QuittingApp, Quit>} */
const quits = new WeakMap();

/**
 * @param {QuittingElectron} electron
 * @param {Stoppable} worker
 * @param {number} deadlineMs
 * @returns {() => void} lets a quit no longer wait for this worker
 */
function stopBeforeQuit(electron, worker, deadlineMs) {
  const quit = quits.get(electron.app) ?? new Quit(electron);
  quits.set(electron.app, quit);
  quit.add(worker, deadlineMs);
  return () => quit.remove(worker);
}

module.exports = { stopBeforeQuit };
