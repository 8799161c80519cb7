/* SPDX-License-Identifier: MIT
 *
 * worker:processRequest: a job that comes as a message and is answered when it has ended.
 *
 *   fresh ──► (one of the next transactions) ──► waiting ──► (the row has ended, whoever ran it) ──► answered: freed
 *
 * Until the transaction has committed there is no row and no promise; after it the row lives on whatever happens to this process,
 * and only the answer depends on it. A host that does not know whether its request was taken sends it again under the same id:
 * the row is there once.
 */
#ifndef LJ_ENGINE_REQUESTS_H
#define LJ_ENGINE_REQUESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/result.h"

struct lj_engine;

typedef struct lj_pending {
  struct lj_pending *next;
  char *answer; /* id of the message; NULL: nobody waits for an answer */
  char *job;    /* its id */
  bool look;    /* the row may have ended */
  /* Until the row is written: */
  char *queue;
  char *name;
  char *model;
  char *data;
  char *opts;
  int64_t priority;
  int64_t max_attempts;
  int code;     /* of the row: LJ_OK; LJ_INVALID: the id is another job's; LJ_REFUSED */
} lj_pending;

typedef struct lj_requests {
  lj_pending *fresh;   /* in order of arrival */
  lj_pending *last;    /* of fresh */
  size_t fresh_bytes;
  size_t written;      /* those at the head of fresh that the open transaction holds */
  lj_pending *waiting;
  size_t count;        /* of both */
  bool look;           /* at those that are marked */
  bool look_at_all;    /* somebody else has written */
  int64_t look_ms;     /* not before, after what could not be done */
  int64_t look_all_ms; /* not before, lest an app that writes densely makes it dear */
} lj_requests;

/* Something has ended in this engine's own transaction. */
void lj_requests_ended(struct lj_engine *engine, const char *id);
/* Whether some wait for a transaction; inside of it; and after its commit. */
bool lj_requests_unwritten(const struct lj_engine *engine);
int lj_requests_write(struct lj_engine *engine, int64_t now_wall) LJ_MUST_CHECK;
void lj_requests_written(struct lj_engine *engine);
/* Answers those whose rows have ended. The store is open. */
void lj_requests_turn(struct lj_engine *engine, int64_t now_ms);
/* When that must be called again; INT64_MAX: when something happens. */
int64_t lj_requests_next(const struct lj_engine *engine);
void lj_requests_free(lj_requests *requests);

#endif
