/* SPDX-License-Identifier: MIT */
#ifndef LJ_PROVIDER_RETRY_AFTER_H
#define LJ_PROVIDER_RETRY_AFTER_H

#include <stdint.h>

#include "provider/provider.h"

/* How long the server asks to wait: retry-after-ms (milliseconds), else retry-after (seconds, or an HTTP date compared with
 * the wall clock `now_ms`), kept within 0 and 24 hours. −1 when it did not say, or not in a way that can be read. */
int64_t lj_retry_after_ms(const lj_head *head, int64_t now_ms);

#endif
