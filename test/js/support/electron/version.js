// SPDX-License-Identifier: MIT
'use strict';

/** The Electron whose documentation and types the stand-in follows. */
module.exports = { version: /** @type {string} */ (require('electron/package.json').version) };
