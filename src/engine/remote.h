/* SPDX-License-Identifier: MIT
 *
 * Answers that a provider makes in the background (opts.background, or a provider's `background`), so that they outlive the
 * connection, the worker and the machine's sleep.
 *
 *   asked ──id──► noted in the row's `remote` ──► streamed ──broken──► polled ──► read
 *                          └── the worker dies ──► claimed again ──► polled ──┘
 *
 * As soon as the provider has named the answer's id it is written to the row, under the lease token and with the next
 * transaction. From then on the answer is fetched by that id, never asked for again, until the provider says that it has ended
 * or that it does not know it. A crash before that write costs at most one repeated call.
 */
#ifndef LJ_ENGINE_REMOTE_H
#define LJ_ENGINE_REMOTE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/result.h"
#include "http/client.h"
#include "provider/provider.h"

struct lj_engine;
struct lj_run;

typedef struct lj_remote {
  bool wanted;        /* the job, or its provider's configuration, asks for it */
  char id[128];       /* the provider's; "": none is known */
  char *text;         /* what the row's `remote` has to be; NULL: nothing */
  bool unwritten;     /* the row does not have it yet */
  bool fetching;      /* the call under way asks for the answer by its id */
  int64_t at;         /* wall clock: when the provider was asked */
  int64_t poll_at_ms; /* monotonic; 0: a call is under way */
  int polls;          /* that found it not ready, since the last claim */
  int troubles;       /* polls in a row that failed */
  char lost[128];     /* the id that the provider did not know any more, for the history; "": none */
} lj_remote;

/* A call that is made for no answer: the end of one that nobody wants any more. Engine's list. */
typedef struct lj_errand {
  struct lj_errand *next;
  struct lj_engine *engine;
  lj_wire wire;
  lj_call *call;
} lj_errand;

/* What the job's options and the row say, after the route is known. Moves the run to the target that works at its answer. LJ_OK,
 * LJ_NOMEM, or LJ_BAD_JOB with the run's fault set. */
int lj_remote_begin(struct lj_run *run) LJ_MUST_CHECK;
/* Whether the next call of the run is to fetch an answer by its id. */
bool lj_remote_known(const struct lj_run *run);
/* Adds what the request needs for the target that is about to be called. LJ_OK, LJ_NOMEM, or LJ_BAD_REQUEST with the fault set. */
int lj_remote_prepare(struct lj_run *run) LJ_MUST_CHECK;
/* Bytes of the answer were read: the id may be among them. */
void lj_remote_learn(struct lj_run *run);
/* A call has ended with `code`. True: the run goes on, the next poll or call has been arranged. */
bool lj_remote_goes_on(struct lj_run *run, int code);
/* The run has ended and its answer is not wanted any more: ends it at the provider. */
void lj_remote_cancel(struct lj_run *run);
void lj_remote_free(lj_remote *remote);

/* Milliseconds before the next poll of an answer, after so many of them. */
int64_t lj_remote_pace(int polls);
/* Polls whose time has come. */
void lj_remote_turn(struct lj_engine *engine, int64_t now_ms);
/* When the next of them comes, INT64_MAX without. */
int64_t lj_remote_next(const struct lj_engine *engine);
/* An on_orphan of lj_follow whose listener is the engine. */
void lj_remote_orphan(void *engine, const char *remote);
/* At the end of the engine, before its client goes. */
void lj_remote_close(struct lj_engine *engine);

/* writer_remotes.c. Whether ids wait to be written; inside a transaction, writes them; after its commit, notes that. */
bool lj_writer_has_remotes(const struct lj_engine *engine);
int lj_writer_remotes(struct lj_engine *engine) LJ_MUST_CHECK;
void lj_writer_remotes_written(struct lj_engine *engine);

#endif
