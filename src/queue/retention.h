/* SPDX-License-Identifier: MIT
 *
 * Removing ended jobs that nobody wants to keep, a small batch at a time. A child is kept as long as an unfinished parent may
 * read its result, and a row at least as long as its own opts.keep.ageMs says.
 */
#ifndef LJ_QUEUE_RETENTION_H
#define LJ_QUEUE_RETENTION_H

#include <stdbool.h>
#include <stdint.h>

#include "queue/job.h"
#include "queue/store.h"

/* What is kept of one end state; −1: no limit. */
typedef struct lj_keep {
  int64_t age_ms;
  int64_t count; /* the newest */
} lj_keep;

/* Takes no lock: the wall time before which rows of this state may go, INT64_MIN when all are kept; and whether there is any. */
int lj_retention_look(lj_store *store, lj_status status, const lj_keep *keep, int64_t now, int64_t *before, bool *any) LJ_MUST_CHECK;

/* Inside a transaction: removes at most 100 rows that ended before `before`. *removed is how many. */
int lj_retention_remove(lj_store *store, lj_status status, int64_t before, int64_t now, int *removed) LJ_MUST_CHECK;

#endif
