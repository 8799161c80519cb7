/* SPDX-License-Identifier: MIT
 *
 * Taking jobs: highest priority first, then order of arrival, among what can run now. What can run is asked of a source,
 * group by group: a group is all waiting jobs of one queue with the same model (or, without a model, the same name), so a
 * lane that is full or paused never holds up another one.
 */
#ifndef LJ_QUEUE_CLAIM_H
#define LJ_QUEUE_CLAIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "queue/follow.h"
#include "queue/job.h"
#include "queue/store.h"

/* Asked while the write lock is held: must be quick, and write nothing to the store. */
typedef struct lj_claim_source {
  void *owner;
  /* Whether jobs of this queue are served. */
  bool (*serves)(void *owner, const char *queue);
  /* How many jobs of this group could start now. `model` is NULL for jobs without one. */
  size_t (*capacity)(void *owner, const char *model, const char *name);
  /* The job `seq` of the group is about to be taken. The lane it will run in, borrowed ("" when it has none: it will fail
   * at once), or NULL when there is no room after all. The source counts it as running from now on. */
  const char *(*admit)(void *owner, const char *model, const char *name, int64_t seq);
  /* May be NULL, all three: the app's own triggers or constraints refused the claim of this row; it should be left alone for
   * a while. */
  void (*refused)(void *owner, int64_t seq);
  /* Whether a row is being left alone, and how many are. */
  bool (*excludes)(void *owner, int64_t seq);
  size_t (*excluded)(void *owner);
  /* What jobs of this group with opts.batch are gathered under; NULL: they run as any other. Valid until it is asked again. May be
   * NULL. */
  const char *(*gathers)(void *owner, const char *model, const char *name);
  /* An admitted job was not taken after all (the row changed, the transaction failed). */
  void (*dismiss)(void *owner, const char *lane, int64_t seq);
} lj_claim_source;

typedef struct lj_claimed {
  lj_job job;
  const char *lane; /* as admit returned it */
} lj_claimed;

typedef struct lj_claim_terms {
  const char *lease_owner;
  int64_t lease_until; /* wall clock */
  int64_t now;         /* wall clock */
} lj_claim_terms;

enum { LJ_CLAIM_MOST = 128 /* what one claim is asked for at most: so many rows of one group are looked at together */ };

/* Whether a claim would find anything: a job of a group with capacity, or a delayed one that is due. Takes no lock. */
int lj_claim_possible(lj_store *store, const lj_claim_source *source, int64_t now, bool *possible) LJ_MUST_CHECK;

/* Inside a transaction: promotes due jobs and takes at most `most` (up to LJ_CLAIM_MOST) into `out`. Rows that stand in the way
 * but must not start (cancelled, expired, superseded, waiting for children or for their first time) are put where they belong,
 * with all that follows from it. On error nothing counts as taken: the caller
 * rolls back, and jobs already in `out` have been freed and dismissed. */
int lj_claim(lj_follow *follow, const lj_claim_source *source, const lj_claim_terms *terms, size_t most, lj_claimed *out,
             size_t *count) LJ_MUST_CHECK;

/* Wall time of the earliest delayed job, INT64_MAX when there is none. */
int lj_claim_next_due(lj_store *store, int64_t *due) LJ_MUST_CHECK;

#endif
