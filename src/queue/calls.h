/* SPDX-License-Identifier: MIT
 *
 * What the rows tell of calls to providers, whoever makes them: those that run now, and those that changed since the last look.
 * It is all that workers of one database know of one another.
 */
#ifndef LJ_QUEUE_CALLS_H
#define LJ_QUEUE_CALLS_H

#include <stdbool.h>
#include <stdint.h>

#include "queue/store.h"

/* A job that another worker runs. `processed_on` is when its call began, Unix milliseconds. */
typedef void (*lj_other_cb)(void *listener, const char *lane, int64_t processed_on);

/* Reads the running jobs of others: few rows, found by their index. */
int lj_calls_others(lj_store *store, const char *lease_owner, lj_other_cb on_other, void *listener) LJ_MUST_CHECK;

/* A row that has changed. Texts are borrowed until the callback returns; NULL where the row has none. */
typedef struct lj_changed_row {
  int64_t seq;
  bool active;
  bool ours;            /* active, and of this worker */
  const char *lane;
  const char *name;
  int64_t processed_on; /* when its last call began; 0: never */
  const char *history;
  const char *error;
  int64_t bytes;        /* of its data; 0 when nobody weighs */
  int64_t max_tokens;   /* of its data; −1: not said, or nobody weighs */
} lj_changed_row;

typedef int (*lj_changed_cb)(void *listener, const lj_changed_row *row);

/* How far changes have been read: rows that change together share a revision. */
typedef struct lj_calls_place {
  int64_t revision;
  int64_t seq;
} lj_calls_place;

/* Reads at most `most` rows that changed behind *place, in order, and moves *place behind them. *count is how many it read. Stops
 * with what the callback returns unless that is LJ_OK. */
int lj_calls_changed(lj_store *store, const char *lease_owner, bool weigh, size_t most, lj_calls_place *place, size_t *count,
                     lj_changed_cb on_changed, void *listener) LJ_MUST_CHECK;

/* The largest revision of the table, 0 when nothing has changed yet. */
int lj_calls_newest(lj_store *store, int64_t *revision) LJ_MUST_CHECK;

/* The same, and whether only a worker can have made that change: its row runs or has completed, and nobody wants it cancelled. What
 * an app changes about a row that runs is that, and no other row of it gets into these states. */
int lj_calls_last(lj_store *store, int64_t *revision, bool *by_worker) LJ_MUST_CHECK;

/* Of one row: bytes of its data, and its maxTokens, −1: not said. */
int lj_calls_weigh(lj_store *store, int64_t seq, int64_t *bytes, int64_t *max_tokens) LJ_MUST_CHECK;

/* Inside a transaction: a running job goes on in another lane, from `now` on. *stale as for lj_settle. */
int lj_calls_move(lj_store *store, int64_t seq, const char *token, const char *lane, const char *history, int64_t now,
                  bool *stale) LJ_MUST_CHECK;

#endif
