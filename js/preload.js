// SPDX-License-Identifier: MIT
'use strict';

/**
 * For preload scripts, sandboxed ones too: one file that needs nothing but 'electron', so that any bundler takes it in. It puts five
 * functions on `window` and lets the page have nothing of `ipcRenderer` itself. Everything is checked in the main process
 * (`serveRenderers`); here is nothing to rely on.
 *
 * @typedef {import('./renderer/check.js').JobView} JobView
 * @typedef {import('./renderer/stream.js').Piece} Piece
 *
 * @typedef {object} LlmJobsApi what a page finds on `window`. A rejection's message begins with its code: `POLICY_DENIED: …`
 * @property {(name: string, data: object, options?: {priority?: number, delay?: number}) => Promise<string>} add resolves with the
 *   job's id
 * @property {(id: string) => Promise<boolean>} cancel false: there is no such job, or it has ended
 * @property {(id: string) => Promise<JobView | null>} get
 * @property {(onJob: (job: JobView) => void) => () => void} watch jobs that are added or change from now on, as they then are; returns
 *   the function that ends it
 * @property {(id: string, onPiece: (piece: Piece & {error?: {code: string, message: string}}) => void) => () => void} subscribe a
 *   job's text: what there is, then each further piece once, `done` with the last; returns the function that ends it
 */

/**
 * @param {{key?: string}} [options] the name on `window`
 */
function expose({ key = 'llmJobs' } = {}) {
  const { contextBridge, ipcRenderer } = /** @type {any} */ (require('electron'));

  const ask = async (/** @type {string} */ channel, /** @type {unknown[]} */ ...args) => {
    const { value, error } = await ipcRenderer.invoke(channel, ...args);
    // No property of an error but its message comes through to the page.
    if (error) throw new Error(`${error.code}: ${error.message}`);
    return value;
  };

  const listen = (/** @type {string} */ channel, /** @type {unknown} */ argument, /** @type {(message: any) => void} */ onMessage) => {
    const { port1, port2 } = new MessageChannel();
    const port = /** @type {any} */ (port1);
    port.onmessage = (/** @type {{data: any}} */ { data }) => {
      try {
        onMessage(data);
      } finally {
        if (data.done) port.close();
        else port.postMessage('taken');
      }
    };
    ipcRenderer.postMessage(channel, argument, [port2]);
    return () => {
      port.onmessage = null;
      port.close();
    };
  };

  /** @type {LlmJobsApi} */
  const api = {
    add: (name, data, options) => ask('llm-jobs:add', name, data, options),
    cancel: (id) => ask('llm-jobs:cancel', id),
    get: (id) => ask('llm-jobs:get', id),
    watch: (onJob) => listen('llm-jobs:watch', undefined, ({ job, error }) => {
      if (error) throw new Error(`${error.code}: ${error.message}`);
      onJob(job);
    }),
    subscribe: (id, onPiece) => listen('llm-jobs:subscribe', id, onPiece),
  };
  contextBridge.exposeInMainWorld(key, api);
}

module.exports = { expose };
