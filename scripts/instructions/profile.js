// SPDX-License-Identifier: MIT
'use strict';

/**
 * Reads what callgrind has written (--compress-strings=no --compress-pos=no --dump-line=no): which function executed how many
 * instructions itself, and how many in each function that it called.
 */

/**
 * @typedef {object} Fn
 * @property {string} name
 * @property {string} file of the source, "???" where it was compiled without
 * @property {string} object
 * @property {number} self
 * @property {Map<string, number>} calls inclusive instructions, by the key of the called function
 * @property {Map<string, number>} callers the same from the other side
 *
 * @typedef {Map<string, Fn>} Profile by key: file and name
 */

/** One function per file and name: static ones of different files may share a name. @param {string} file @param {string} name */
const keyOf = (file, name) => `${file}:${name}`;

/** @param {string} text @returns {Profile} */
function readProfile(text) {
  /** @type {Profile} */
  const profile = new Map();
  const get = (/** @type {string} */ object, /** @type {string} */ file, /** @type {string} */ name) => {
    // Recursion has a number behind the name when callgrind is told to tell its levels apart.
    const key = keyOf(file, name);
    let fn = profile.get(key);
    if (fn === undefined) profile.set(key, (fn = { name, file, object, self: 0, calls: new Map(), callers: new Map() }));
    return fn;
  };
  let object = '???';
  let file = '???';
  let called = { object: '', file: '', name: '' };
  let calling = false;
  /** @type {Fn | null} */
  let current = null;
  for (const line of text.split('\n')) {
    const [, word, value] = /^(ob|fl|fi|fe|fn|cob|cfi|cfl|cfn|calls)=(.*)$/.exec(line) ?? [];
    if (word === 'ob') object = value;
    else if (word === 'fl') file = value;
    else if (word === 'fn') current = get(object, file, value);
    else if (word === 'cob') called.object = value;
    else if (word === 'cfi' || word === 'cfl') called.file = value;
    else if (word === 'cfn') called.name = value;
    else if (word === 'calls') calling = true;
    else if (word === undefined && current !== null && /^[+\-*\d]/.test(line)) {
      const cost = Number(line.split(' ')[1] ?? 0);
      if (!calling) current.self += cost;
      else {
        const callee = get(called.object || object, called.file || file, called.name);
        const [to, from] = [keyOf(callee.file, callee.name), keyOf(current.file, current.name)];
        current.calls.set(to, (current.calls.get(to) ?? 0) + cost);
        callee.callers.set(from, (callee.callers.get(from) ?? 0) + cost);
        called = { object: '', file: '', name: '' };
        calling = false;
      }
    }
  }
  return profile;
}

/** What a function and all that it called executed; of one that calls itself only the calls from elsewhere. @param {Fn} fn */
function inclusive(fn) {
  const own = keyOf(fn.file, fn.name);
  let sum = 0;
  for (const [key, cost] of fn.callers) if (key !== own) sum += cost;
  return Math.max(sum, fn.self);
}

module.exports = { readProfile, inclusive, keyOf };
