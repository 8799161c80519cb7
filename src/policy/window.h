/* SPDX-License-Identifier: MIT
 *
 * The calls that one lane has begun within the last minute, of all workers of the database: what requestsPerMinute and
 * tokensPerMinute are counted by. Times are Unix milliseconds, because that is what rows hold.
 *
 * A call is known by its job and the time at which it began, so that hearing of it twice counts it once.
 */
#ifndef LJ_POLICY_WINDOW_H
#define LJ_POLICY_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/result.h"

/* A second more than the minute that servers count: a call reaches its server up to that much later than it begins here, and
 * two calls are not delayed alike. */
#define LJ_WINDOW_MS INT64_C(61000)

typedef struct lj_window_call {
  int64_t job;
  int64_t at;
  int64_t tokens;
} lj_window_call;

typedef struct lj_window {
  lj_window_call *calls; /* by `at` */
  size_t count;
  size_t size;
  int64_t tokens;        /* of all of them */
} lj_window;

/* A window of zeros is an empty one. */
void lj_window_free(lj_window *window);

/* Adds the call, or corrects its tokens when it is known. One that began more than LJ_WINDOW_MS before `now` is left out; one that
 * seems to begin later than `now` (the clock was set back) began now. LJ_OK, LJ_NOMEM, LJ_TOO_BIG (LJ_MAX_WINDOW_CALLS). */
int lj_window_note(lj_window *window, int64_t job, int64_t at, int64_t tokens, int64_t now) LJ_MUST_CHECK;
/* The call was not made after all. */
void lj_window_drop(lj_window *window, int64_t job, int64_t at);
/* Forgets what lies more than LJ_WINDOW_MS before `now`. */
void lj_window_slide(lj_window *window, int64_t now);

/* How many more calls may begin; a limit of 0 is none. Slide first. */
size_t lj_window_room(const lj_window *window, int64_t requests);
/* Whether a call of so many tokens may begin. Alone it may always. */
bool lj_window_fits(const lj_window *window, int64_t limit, int64_t tokens);
/* When a call of so many tokens may begin, if nothing else begins before; `now` when it may already. */
int64_t lj_window_opens(const lj_window *window, int64_t requests, int64_t limit, int64_t tokens, int64_t now);

#endif
