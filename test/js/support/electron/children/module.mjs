// SPDX-License-Identifier: MIT

/** An entry that is an ECMAScript module. */

process.parentPort.on('message', ({ data }) => process.parentPort.postMessage({ fromModule: data }));
