// SPDX-License-Identifier: MIT
'use strict';

/**
 * The version of what host and worker say to each other (docs/messages.md). It grows when one of them would misunderstand an
 * older other: an app that bundles the worker may have built it from another version of this package.
 */
const PROTOCOL = 1;

module.exports = { PROTOCOL };
