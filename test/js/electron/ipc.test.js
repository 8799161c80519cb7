// SPDX-License-Identifier: MIT
'use strict';

/** What is documented of ipcMain, sandboxed preloads and contextBridge, of the stand-in. A real page needs a window. */

const assert = require('node:assert/strict');
const { makeElectron } = require('../support/electron/index.js');
const { isReal } = require('../support/electron/run.js');
const { openPage } = require('../support/electron/renderer.js');
const { until } = require('../support/until.js');

describe('pages of the stand-in', () => {
  /** @type {any} */
  let electron;

  before(function () {
    if (isReal) this.skip();
  });

  beforeEach(() => (electron = makeElectron(() => {})));

  const open = (/** @type {string} */ source, more = {}) => openPage(electron, { url: 'file:///app/index.html', source, ...more });

  it('invoke reaches the handler with clones and the frame of the sender', async () => {
    const object = { list: [1] };
    electron.ipcMain.handle('ask', (/** @type {any} */ event, /** @type {any} */ given) => {
      given.list.push(2);
      return { given, url: event.senderFrame.url, origin: event.senderFrame.origin };
    });
    const { ipcRenderer } = open('');
    assert.deepEqual(await ipcRenderer.invoke('ask', object), { given: { list: [1, 2] }, url: 'file:///app/index.html', origin: 'file://' });
    assert.deepEqual(object, { list: [1] });
  });

  it('what a handler throws reaches the page as a sentence, without its code', async () => {
    electron.ipcMain.handle('ask', () => Promise.reject(Object.assign(new Error('no'), { code: 'INVALID' })));
    const error = await open('').ipcRenderer.invoke('ask').catch((/** @type {any} */ thrown) => thrown);
    assert.deepEqual([error.message, error.code], ["Error invoking remote method 'ask': Error: no", undefined]);
  });

  it('a channel has one handler', () => {
    electron.ipcMain.handle('ask', () => {});
    assert.throws(() => electron.ipcMain.handle('ask', () => {}), /second handler/);
  });

  it('a frame that has navigated is null', async () => {
    const page = open('');
    let frame;
    electron.ipcMain.handle('ask', async (/** @type {any} */ event) => {
      page.navigate();
      frame = event.senderFrame;
    });
    await page.ipcRenderer.invoke('ask');
    assert.equal(frame, null);
  });

  it('a sandboxed preload can require electron, events, timers and url only', () => {
    assert.throws(() => open("require('node:fs')"), /module not found/);
    assert.throws(() => open("require('./other.js')"), /module not found/);
    assert.equal(open("exports.type = process.type; require('events'); require('node:url')").exports.type, 'renderer');
  });

  it('the page gets copies through contextBridge, and functions that it calls from afar', async () => {
    const { window, exports } = open(`
      const { contextBridge } = require('electron');
      const api = { list: [1], twice: (x) => x * 2, later: async () => ({ done: true }), fail: () => { throw Object.assign(new Error('no'), { code: 'X' }); } };
      contextBridge.exposeInMainWorld('api', api);
      exports.api = api;`);
    window.api.list.push(2);
    assert.deepEqual([...exports.api.list], [1]);
    assert.equal(window.api.twice(4), 8);
    assert.deepEqual(await window.api.later(), { done: true });
    assert.throws(() => window.api.fail(), (/** @type {any} */ error) => error.message === 'no' && error.code === undefined);
  });

  it('a port that a preload posts is a MessagePortMain in the main process', async () => {
    electron.ipcMain.on('port', (/** @type {any} */ event, /** @type {any} */ message) => {
      const [port] = event.ports;
      port.on('message', (/** @type {any} */ { data }) => port.postMessage([message, data]));
      port.start();
    });
    const { exports } = open(`
      const { ipcRenderer } = require('electron');
      const { port1, port2 } = new MessageChannel();
      exports.heard = [];
      port1.onmessage = (event) => { exports.heard.push(event.data); port1.close(); };
      ipcRenderer.postMessage('port', 'hello', [port2]);
      port1.postMessage('there');`);
    await until(() => exports.heard.length === 1);
    assert.deepEqual(exports.heard[0], ['hello', 'there']);
  });
});
