// SPDX-License-Identifier: MIT
'use strict';

/** The script of a fake provider that allows its model "limited" nothing for an hour. */
module.exports = (/** @type {{body: any}} */ { body }) => (body?.model === 'limited' ? { retryAfter: 3600 } : undefined);
