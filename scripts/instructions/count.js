// SPDX-License-Identifier: MIT
'use strict';

const { setup } = require('../setup');
const { measure, PROGRAM } = require('./measure');

/** @import { Count } from './measure.js' */
/** @import { Profile } from './profile.js' */

/**
 * Sets up, and counts what jobs of these kinds cost.
 * @param {string[]} names
 * @returns {Promise<({name: string, libraries: string} & Awaited<ReturnType<typeof measure>>)[]>}
 */
async function count(names) {
  const { libraries } = await setup({ counting: true, parts: [PROGRAM] });
  const measured = [];
  for (const name of names) measured.push({ name, libraries, ...(await measure(name, libraries)) });
  return measured;
}

module.exports = { count };
