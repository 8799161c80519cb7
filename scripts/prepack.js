// SPDX-License-Identifier: MIT
'use strict';

/**
 * Run by npm before `npm pack` and `npm publish`: makes what the package holds and git does not, and refuses a package that
 * could not work. Publishing wants the addons of all systems, which only the release workflow has.
 */

const { TARGETS, target } = require('../js/addon.js');
const { main } = require('./setup');
const { ensurePackages } = require('./setup/npm');
const { checkPrebuilds } = require('./prebuild/check');
const { writeTypes } = require('./types');

main(async () => {
  const publishing = process.env.npm_command === 'publish';
  checkPrebuilds(publishing ? TARGETS : [target()]);
  await ensurePackages();
  await writeTypes();
});
