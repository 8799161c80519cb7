/* SPDX-License-Identifier: MIT
 *
 * worker:cancel: jobs that somebody wants cancelled by a message. A call of this engine is aborted at once; the row follows in the
 * next transaction, and only then is the message answered, so that the answer survives a crash.
 */
#ifndef LJ_ENGINE_CANCELS_H
#define LJ_ENGINE_CANCELS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/result.h"

struct lj_engine;

typedef struct lj_cancel {
  struct lj_cancel *next;
  char *job;    /* its id */
  char *answer; /* id of the message, NULL: nobody waits for an answer */
  bool aborted; /* this engine ran it */
  bool found;   /* the row, not ended yet; valid in and after the transaction that `written` tells of */
  int code;     /* LJ_OK, or LJ_REFUSED by the app's own triggers */
} lj_cancel;

typedef struct lj_cancels {
  lj_cancel *first;
  lj_cancel *last;
  size_t count;
  size_t written; /* those at the head that the transaction holds */
} lj_cancels;

/* LJ_OK, LJ_NOMEM, or LJ_BUSY when LJ_MAX_CANCELS wait. */
int lj_cancels_add(struct lj_engine *engine, const char *job, const char *answer) LJ_MUST_CHECK;
/* Inside a transaction, after the ends. */
int lj_cancels_write(struct lj_engine *engine) LJ_MUST_CHECK;
/* After its commit: answers what it wrote. */
void lj_cancels_answer(struct lj_engine *engine);
void lj_cancels_free(lj_cancels *cancels);

#endif
