/* SPDX-License-Identifier: MIT
 *
 * How much one transaction may hold while others write too. Their busy handler looks at the lock again after 1 and 3 ms, and a
 * transaction that began before their first look must have ended by the last of these: with the gap that follows (gap.h), nobody
 * then waits longer. What ends, claims and a commit take is learned from the transactions before; a fall counts at once, a rise
 * little by little. Knows no clock. A zeroed lj_pace is ready for use.
 */
#ifndef LJ_ENGINE_PACE_H
#define LJ_ENGINE_PACE_H

#include <stddef.h>
#include <stdint.h>

enum { LJ_PACE_HELD_US = 3000 /* how long the lock may be held */ };

typedef struct lj_pace {
  int64_t end_us;   /* one of each; 0: not known yet */
  int64_t claim_us;
  int64_t commit_us;
} lj_pace;

/* A transaction has committed: how many ends and claims it held, and what they and its commit took. */
void lj_pace_note(lj_pace *pace, size_t ends, int64_t ends_us, size_t claims, int64_t claims_us, int64_t commit_us);

/* How many ends, of those that wait, and how many claims the next transaction may hold: at least one of each, so that everything
 * goes on however slow the disk is, and at most what *ends and *claims say. */
void lj_pace_limit(const lj_pace *pace, size_t *ends, size_t *claims);

#endif
