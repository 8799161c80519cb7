/* SPDX-License-Identifier: MIT
 *
 * What follows from the end of a job, in the transaction of that end: its parent, its own children, its next occurrence.
 *
 * A parent may run when it has no unfinished child. The rows are the truth; `dependency_count` is what is known of them, kept
 * so that a child's end costs one look-up, and 0 in a row that waits for children means "examine me". Whoever changes rows
 * behind the engine's back can therefore always ask for an examination, and lj_follow_repair asks for all.
 *
 *   a child ends well, or may fail (opts.onFailure "ignore")   the parent runs when it was the last
 *   a child fails or is cancelled                              the parent fails at once with CHILD_FAILED; with
 *                                                              opts.cancelSiblings its other children are cancelled
 *   a job that waits for children is cancelled                 its unfinished children are cancelled: they exist for it
 */
#ifndef LJ_QUEUE_FOLLOW_H
#define LJ_QUEUE_FOLLOW_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "policy/repeat.h"
#include "queue/job.h"
#include "queue/store.h"

typedef struct lj_follow {
  lj_store *store;
  int64_t now;      /* wall clock */
  lj_zones *zones;  /* for opts.repeat */
  /* Told of every job that ends here or goes on; may be NULL. `code` is LJ_OK for one that goes on. */
  void (*on_change)(void *listener, const char *id, const char *name, lj_status status, int code, int64_t attempts);
  void *listener;
  /* Told of what the provider still works at for a row that ends here though nobody held it; may be NULL. The transaction may fail
   * after it. */
  void (*on_orphan)(void *listener, const char *remote);
  bool cancels;     /* out: children were asked to end; look for cancel requests again */
} lj_follow;

/* A row has ended in this transaction: does what follows, however far it reaches. */
int lj_follow_end(lj_follow *follow, int64_t seq) LJ_MUST_CHECK;

/* Ends a row that nobody holds, with `code` as its error, and follows it. *ended is false when it was not idle any more. */
int lj_follow_end_idle(lj_follow *follow, int64_t seq, lj_status status, int code, const char *message, bool *ended) LJ_MUST_CHECK;

/* Looks at the children of a row that waits for them (or is to: a waiting row with unfinished children is parked first), and
 * fails it, lets it run, or counts anew. */
int lj_follow_examine(lj_follow *follow, int64_t seq, const char *id) LJ_MUST_CHECK;

/* Examines the rows that ask for it. *more: there may be others. */
int lj_follow_asked(lj_follow *follow, bool *more) LJ_MUST_CHECK;
/* How far a repair pass has come; all zero at its beginning and again at its end. */
typedef struct lj_repair {
  int64_t count; /* dependency_count and seq of the last parent that was examined */
  int64_t seq;
} lj_repair;

/* Examines the next parents, up to 200, and moves *pass. */
int lj_follow_repair(lj_follow *follow, lj_repair *pass) LJ_MUST_CHECK;

/* Whether any job waits for children. Takes no lock. */
int lj_follow_any_blocked(lj_store *store, bool *found) LJ_MUST_CHECK;

/* Moves a waiting row with a cron expression, which has never been scheduled, to its first time. */
int lj_follow_schedule(lj_follow *follow, int64_t seq) LJ_MUST_CHECK;

/* The children of a job as [{id, name, status, result, error}] in order of arrival, for templates. Outside of or inside a
 * transaction. LJ_TOO_BIG when they pass LJ_MAX_DATA_BYTES. Caller deletes. */
int lj_children_json(lj_store *store, const char *id, cJSON **out) LJ_MUST_CHECK;

#endif
