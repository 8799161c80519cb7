// SPDX-License-Identifier: MIT
'use strict';

/** The smaller modules: `powerMonitor`, `safeStorage`, `session`. */

const { EventEmitter } = require('node:events');

class PowerMonitor extends EventEmitter {
  onBatteryPower = false;

  isOnBatteryPower() {
    return this.onBatteryPower;
  }
}

/** Keys that only this process can read; asked before the app is ready, there is none. */
class SafeStorage {
  /** @param {import('./app.js').App} app */
  constructor(app) {
    this.app = app;
  }

  isEncryptionAvailable() {
    return this.app.isReady();
  }

  async isAsyncEncryptionAvailable() {
    return this.app.whenReady().then(() => true);
  }

  getSelectedStorageBackend() {
    return this.app.isReady() ? 'gnome_libsecret' : 'unknown';
  }

  /** @param {string} text */
  encryptString(text) {
    if (!this.app.isReady()) throw new Error('safeStorage cannot be used before app is ready');
    if (typeof text !== 'string') throw new TypeError('Error processing argument at index 0');
    return Buffer.from(`v10${[...Buffer.from(text)].map((byte) => (byte ^ 0x5a).toString(16).padStart(2, '0')).join('')}`);
  }

  /** @param {Buffer} encrypted */
  decryptString(encrypted) {
    const text = encrypted.toString();
    if (!text.startsWith('v10')) throw new Error('Error while decrypting the ciphertext provided to safeStorage.decryptString.');
    return Buffer.from(Buffer.from(text.slice(3), 'hex').map((byte) => byte ^ 0x5a)).toString();
  }

  /** @param {string} text */
  async encryptStringAsync(text) {
    return this.encryptString(text);
  }

  /** @param {Buffer} encrypted */
  async decryptStringAsync(encrypted) {
    return { result: this.decryptString(encrypted), shouldReEncrypt: false };
  }
}

/** A session keeps the listener that it was given, and `fire` plays the answer of a server. */
class Session extends EventEmitter {
  proxy = 'DIRECT';
  /** @type {any} */
  headersListener = null;
  /** @type {any} */
  permissionHandler = null;
  webRequest = {
    /** @param {any} filter @param {any} [listener] */
    onHeadersReceived: (filter, listener = filter) => void (this.headersListener = listener),
  };

  /** @param {string} _url */
  async resolveProxy(_url) {
    return this.proxy;
  }

  /** @param {any} handler */
  setPermissionRequestHandler(handler) {
    this.permissionHandler = handler;
  }

  /**
   * For the stand-in only: what the page gets of a server's headers.
   * @param {object} details
   * @returns {Promise<any>}
   */
  async receive(details) {
    if (this.headersListener === null) return {};
    return new Promise((resolve) => this.headersListener(details, resolve));
  }
}

module.exports = { PowerMonitor, SafeStorage, Session };
