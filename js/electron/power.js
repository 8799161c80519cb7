// SPDX-License-Identifier: MIT
'use strict';

/**
 * Tells a worker of the machine's sleep. Of mains and battery it hears nothing, because it would do nothing about them.
 *
 * @typedef {(event: 'suspend' | 'resume', listener: () => void) => unknown} Listen
 * @typedef {{on: Listen, off: Listen}} PowerMonitor what is used of Electron's
 * @typedef {{power: (event: 'suspend' | 'resume') => Promise<unknown>}} Powered
 */

/**
 * @param {PowerMonitor} powerMonitor
 * @param {Powered} worker
 * @returns {() => void} tells it no more
 */
function forwardPower(powerMonitor, worker) {
  // A worker that is about to be started again finds out by itself.
  const onSuspend = () => void worker.power('suspend').catch(() => {});
  const onResume = () => void worker.power('resume').catch(() => {});
  powerMonitor.on('suspend', onSuspend);
  powerMonitor.on('resume', onResume);
  return () => {
    powerMonitor.off('suspend', onSuspend);
    powerMonitor.off('resume', onResume);
  };
}

module.exports = { forwardPower };
