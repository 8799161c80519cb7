/* SPDX-License-Identifier: MIT
 *
 * What follows from the end of a try: which transition (design §7), and the JSON that the row gets.
 */
#ifndef LJ_ENGINE_VERDICT_H
#define LJ_ENGINE_VERDICT_H

#include "engine/run.h"

/* Fills run->end, at and code for a try that ended with `code`. `stopping`: the engine ends, so nothing counts. */
void lj_verdict_decide(lj_run *run, int code, bool stopping);

/* A try that was to go back or to be repeated ends instead, because a newer job has taken its supersede_key. */
void lj_verdict_supersede(lj_run *run);

/* The row's history with the try that has just ended behind it; the caller frees *out. LJ_OK, LJ_NOMEM or LJ_TOO_BIG. */
int lj_verdict_history(const lj_run *run, char **out) LJ_MUST_CHECK;

/* Builds run->json and run->history once. LJ_OK or LJ_NOMEM (call again later). */
int lj_verdict_build(lj_run *run) LJ_MUST_CHECK;

#endif
