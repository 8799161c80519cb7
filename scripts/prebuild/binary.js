// SPDX-License-Identifier: MIT
'use strict';

/**
 * What a prebuilt addon is, read from its bytes: so one machine can look at the addons of all others. Only the few fields are
 * read that tell a file in the wrong folder, of another version, or for a younger system.
 */

const fs = require('node:fs');

/**
 * @typedef {object} Binary
 * @property {string | null} target as a folder of prebuilds/ is named; null: nothing that we know
 * @property {string | null} version of llm-jobs
 * @property {string | null} glibc the youngest version of it that the addon asks for
 */

/** @param {Buffer} bytes @returns {string | null} */
function elf(bytes) {
  const arch = { 0x3e: 'x64', 0xb7: 'arm64' }[bytes.readUInt16LE(18)];
  const musl = bytes.includes('libc.musl-');
  if (arch === undefined || (!musl && !bytes.includes('libc.so.6'))) return null;
  return `linux-${arch}${musl ? '-musl' : ''}`;
}

/** @param {Buffer} bytes @returns {string | null} */
function mach(bytes) {
  const arch = { 0x01000007: 'x64', 0x0100000c: 'arm64' }[bytes.readUInt32LE(4)];
  return arch === undefined ? null : `darwin-${arch}`;
}

/** @param {Buffer} bytes @returns {string | null} */
function pe(bytes) {
  const at = bytes.readUInt32LE(0x3c);
  if (at + 6 > bytes.length || bytes.readUInt32LE(at) !== 0x4550) return null;
  const arch = { 0x8664: 'x64', 0xaa64: 'arm64' }[bytes.readUInt16LE(at + 4)];
  return arch === undefined ? null : `win32-${arch}`;
}

/** @param {Buffer} bytes @returns {string | null} */
function targetOf(bytes) {
  if (bytes.length < 64) return null;
  if (bytes.readUInt32BE(0) === 0x7f454c46) return elf(bytes);
  if (bytes.readUInt32LE(0) === 0xfeedfacf) return mach(bytes);
  return bytes.readUInt16LE(0) === 0x5a4d ? pe(bytes) : null;
}

/** @param {string} a @param {string} b @returns {number} below 0 when a is older */
function compareVersions(a, b) {
  const [x, y] = [a, b].map((version) => version.split('.').map(Number));
  for (let i = 0; i < Math.max(x.length, y.length); i++) {
    const difference = (x[i] ?? 0) - (y[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** @param {string} file @returns {Binary} */
function readBinary(file) {
  const bytes = fs.readFileSync(file);
  const text = bytes.toString('latin1');
  // The text of lj_engine_versions(), which is a constant of the engine.
  const version = /\{"version":"([\w.+-]+)","curl":"/.exec(text)?.[1] ?? null;
  const asked = [...text.matchAll(/\0GLIBC_(\d+(?:\.\d+)+)(?=\0)/g)].map((match) => match[1]);
  return { target: targetOf(bytes), version, glibc: asked.sort(compareVersions).at(-1) ?? null };
}

module.exports = { readBinary, compareVersions };
