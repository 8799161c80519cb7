/* SPDX-License-Identifier: MIT
 *
 * Ends of tries. Every transition out of `active` is one statement, fenced by the lease token: a run that has lost its
 * lease writes nothing.
 *
 *   LJ_END_COMPLETE  active → completed
 *   LJ_END_RETRY     active → delayed     the try counts, another follows at `at`
 *   LJ_END_FAIL      active → failed
 *   LJ_END_CANCEL    active → cancelled   or failed, where the table's CHECK has no 'cancelled'
 *   LJ_END_RELEASE   active → waiting     the try does not count
 *
 * RETRY and RELEASE are LJ_REFUSED when a newer job has taken the row's supersede_key meanwhile: the unique index says so.
 */
#ifndef LJ_QUEUE_SETTLE_H
#define LJ_QUEUE_SETTLE_H

#include <stdbool.h>
#include <stdint.h>

#include "queue/job.h"
#include "queue/store.h"

typedef enum lj_end { LJ_END_COMPLETE, LJ_END_RETRY, LJ_END_FAIL, LJ_END_CANCEL, LJ_END_RELEASE, LJ_END_LAST } lj_end;

typedef struct lj_settlement {
  lj_end end;
  int64_t seq;
  const char *token;
  const char *lane;    /* where the last call went, or NULL */
  const char *history; /* JSON array, or NULL */
  const char *json;    /* the result (COMPLETE) or the error (others; NULL for RELEASE: keep the last one) */
  int64_t at;          /* finished_on, or run_at for RETRY */
  const char *remote;  /* what the provider still works at, for the next run; NULL: nothing */
} lj_settlement;

/* The status that the row has after such an end. */
lj_status lj_end_status(const lj_store *store, lj_end end);

/* Inside a transaction. *stale is set when the row was no longer held under this token: nothing was written.
 * A row of which VACUUM or a rebuild has changed the rowid is found by its token; settlement->seq is then the new one. */
int lj_settle(lj_store *store, lj_settlement *settlement, bool *stale) LJ_MUST_CHECK;

/* Inside a transaction: notes in a row that is held under the token what the provider works at. A row that is not held any more is
 * left alone. */
int lj_settle_remote(lj_store *store, int64_t seq, const char *token, const char *remote) LJ_MUST_CHECK;

#endif
