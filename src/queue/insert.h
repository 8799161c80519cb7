/* SPDX-License-Identifier: MIT
 *
 * A row that the engine adds for somebody who sent it a message instead of inserting it, and what became of that row.
 */
#ifndef LJ_QUEUE_INSERT_H
#define LJ_QUEUE_INSERT_H

#include <stdbool.h>
#include <stdint.h>

#include "queue/job.h"
#include "queue/store.h"

typedef struct lj_insertion {
  const char *id;
  const char *queue;
  const char *name;
  const char *model; /* NULL: the job type's */
  const char *data;
  const char *opts;  /* NULL: none */
  int64_t priority;
  int64_t max_attempts;
  int64_t created_at; /* wall clock */
} lj_insertion;

/* What a row says. Texts are borrowed and valid during the callback. */
typedef struct lj_row {
  const char *status;
  const char *result; /* NULL: none */
  const char *error;  /* NULL: none */
} lj_row;

/* Whether there is a row with this id, and whether it has the same name, model and data. */
int lj_insert_find(lj_store *store, const lj_insertion *job, bool *found, bool *same) LJ_MUST_CHECK;

/* Inside a transaction in which lj_insert_find has found none. LJ_REFUSED: a trigger or a constraint of the app is against
 * it. */
int lj_insert_job(lj_store *store, const lj_insertion *job) LJ_MUST_CHECK;

/* Calls on_row, unless there is no row with this id; it must not touch the store. */
int lj_insert_read(lj_store *store, const char *id, void (*on_row)(void *owner, const lj_row *row), void *owner, bool *found) LJ_MUST_CHECK;

#endif
