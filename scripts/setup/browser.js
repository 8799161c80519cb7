// SPDX-License-Identifier: MIT
'use strict';

/** Chromium, for the tests of the example app's page: Debian's package, or whatever Chromium or Chrome this machine has. */

const fs = require('node:fs');
const { which } = require('./command');

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];
const MAC = ['Chromium', 'Google Chrome'].map((name) => `/Applications/${name}.app/Contents/MacOS/${name}`);

/** @returns {string | null} the path of the program */
function findBrowser() {
  for (const name of NAMES) {
    const found = which(name);
    if (found !== null) return found;
  }
  return MAC.find((file) => fs.existsSync(file)) ?? null;
}

/** Ubuntu's package of this name is a snap in disguise, which installs in few containers. */
function isDebian() {
  try {
    return /^ID=debian$/m.test(fs.readFileSync('/etc/os-release', 'utf8'));
  } catch {
    return false;
  }
}

module.exports = { findBrowser, isDebian };
