/* SPDX-License-Identifier: MIT */
#ifndef LJ_POLICY_BACKOFF_H
#define LJ_POLICY_BACKOFF_H

#include <cjson/cJSON.h>
#include <stdint.h>

#include "base/fault.h"

/* How long to wait between tries. */
typedef struct lj_backoff {
  int fixed;            /* otherwise exponential */
  int64_t delay_ms;     /* of the first wait; default 1000 */
  int64_t max_delay_ms; /* default 30000 */
} lj_backoff;

void lj_backoff_default(lj_backoff *backoff);

/* Reads opts.backoff {type, delayMs, maxDelayMs}. LJ_OK, or LJ_BAD_JOB with the field in `fault`. */
int lj_backoff_parse(const cJSON *opts, lj_backoff *backoff, lj_fault *fault) LJ_MUST_CHECK;

/* Full jitter: anything from 0 to delay·2^(attempt−1), at most the cap, so that jobs that failed together do not come back
 * together. A fixed backoff has no jitter. `attempt` counts from 1; `unit` is a random number in [0, 1). */
int64_t lj_backoff_wait(const lj_backoff *backoff, int64_t attempt, double unit);

#endif
