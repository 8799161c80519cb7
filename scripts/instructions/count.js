// SPDX-License-Identifier: MIT
'use strict';

const { setup } = require('../setup');
const { PROGRAM, ownersOf } = require('./areas');
const { measure } = require('./measure');

/**
 * Sets up, and counts what jobs of these kinds cost.
 * @param {string[]} names
 * @returns {Promise<({name: string, owners: Map<string, string>} & Awaited<ReturnType<typeof measure>>)[]>}
 */
async function count(names) {
  const { libraries } = await setup({ counting: true, parts: [PROGRAM] });
  const owners = ownersOf(libraries);
  const measured = [];
  for (const name of names) measured.push({ name, owners, ...(await measure(name, owners)) });
  return measured;
}

module.exports = { count };
