/* SPDX-License-Identifier: MIT
 *
 * What an answer's headers say of the provider's limits. OpenAI and most compatible servers: x-ratelimit-limit-requests,
 * x-ratelimit-remaining-tokens and so on; Anthropic: anthropic-ratelimit-requests-remaining and so on.
 */
#ifndef LJ_PROVIDER_RATE_HEAD_H
#define LJ_PROVIDER_RATE_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum lj_rate_kind {
  LJ_RATE_REQUESTS,
  LJ_RATE_TOKENS,
  LJ_RATE_INPUT_TOKENS,
  LJ_RATE_OUTPUT_TOKENS,
  LJ_RATE_KINDS /* not a kind: how many there are */
} lj_rate_kind;

/* −1: not said. */
typedef struct lj_rate {
  int64_t limit;
  int64_t remaining;
  int64_t reset_ms; /* from the answer on, within 0 and 24 hours */
} lj_rate;

void lj_rate_head_clear(lj_rate rates[LJ_RATE_KINDS]);

/* Whether a header's name, in any case, begins as theirs do. Few headers do, so this comes before the rest. */
bool lj_rate_head_is_one(const char *name, size_t name_length);

/* One header, name in any case; `now_ms` is the wall clock. A reset may be a duration ("12ms", "1s", "6m0s", "1h2m3.5s"), a
 * number of seconds, Unix seconds or milliseconds, or a time of RFC 3339. What can't be read stays unsaid. */
void lj_rate_head_read(lj_rate rates[LJ_RATE_KINDS], const char *name, size_t name_length, const char *value, size_t value_length,
                       int64_t now_ms);

/* How long to wait for what is used up; −1 when nothing is, or nobody says until when. */
int64_t lj_rate_head_wait_ms(const lj_rate rates[LJ_RATE_KINDS]);

#endif
