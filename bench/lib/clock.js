// SPDX-License-Identifier: MIT
'use strict';

/** Milliseconds of the monotonic clock, which all processes of a Linux machine share. */
function monotonicMs() {
  return Number(process.hrtime.bigint()) / 1e6;
}

module.exports = { monotonicMs };
