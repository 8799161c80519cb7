// SPDX-License-Identifier: MIT
'use strict';

const DELAY_MS = 50;

/** The script of a fake provider that takes its time. */
module.exports = Object.assign(() => ({ delayMs: DELAY_MS }), { DELAY_MS });
