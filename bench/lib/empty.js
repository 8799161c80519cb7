// SPDX-License-Identifier: MIT
'use strict';

/** A fork that does nothing: what Node itself takes. */
process.send?.('here');
process.on('disconnect', () => process.exit(0));
