/* SPDX-License-Identifier: MIT
 *
 * A job between its claim and the commit of its end.
 *
 *   claimed ──► calling ──► ended ──► (settled: freed)
 *                 │  ▲
 *                 └──┘ next target of the route
 *
 * An ended run keeps its answer until the end is committed, however long that takes: a call that was paid for is never
 * thrown away because the database was busy.
 */
#ifndef LJ_ENGINE_RUN_H
#define LJ_ENGINE_RUN_H

#include <cjson/cJSON.h>

#include "engine/remote.h"
#include "http/client.h"
#include "policy/backoff.h"
#include "policy/lane.h"
#include "policy/route.h"
#include "provider/object.h"
#include "provider/response.h"
#include "queue/claim.h"
#include "queue/settle.h"

struct lj_engine;

typedef struct lj_run {
  struct lj_run *next;
  struct lj_run *previous;
  struct lj_engine *engine;
  lj_job job;
  lj_lane *lane;           /* entered; NULL when none is */
  int64_t entered_ms;      /* monotonic */
  int64_t begun_wall;      /* when the last call began, as its row says: by it other workers count the call */
  int64_t estimate;        /* tokens, before anybody knows */
  bool learned;            /* the headers of this call's answer have been read */
  char lane_name[LJ_LANE_NAME_SIZE]; /* of the last call; "" when there was none */
  lj_route route;
  size_t target;           /* index in the route */
  cJSON *request;
  lj_schema *schema;       /* of the request's responseFormat; NULL: it has none */
  cJSON *result;           /* of an answer that was checked or filtered (lj_answer_json); NULL: nothing to check */
  lj_backoff backoff;
  int64_t timeout_ms;      /* opts.timeoutMs, 0: the provider's */
  lj_remote remote;        /* of an answer that is made in the background */
  lj_wire wire;
  lj_response *response;
  lj_call *call;           /* NULL: none in flight */
  lj_buffer fresh;         /* text that worker:token has not told yet */
  int64_t max_tokens;      /* of the request, 0: unknown */
  int64_t deltas;          /* pieces of text so far, about as many tokens */
  size_t partial_length;   /* of the text when the row's partial was last written */
  int partial_progress;    /* and the progress then */
  int64_t partial_ms;      /* monotonic, of that writing; before there is one, of the claim */
  uint64_t suspect_bytes;  /* received when the machine woke up, UINT64_MAX: it has not slept since the call began */
  bool cancelled;          /* somebody has asked for it */
  bool followed;           /* somebody wants the text of just this job (live.c) */
  bool told;               /* some of this call's text has been told */
  bool restart;            /* the next worker:token says that what was told before is void */
  int64_t processed_on;    /* wall clock of the claim */
  int64_t started_us;      /* monotonic, of the claim */
  int64_t first_token_us;  /* monotonic; 0: none yet */
  int64_t called_ms;       /* monotonic, of the last call */

  /* Of a move to another target (moves.c) */
  bool moving;             /* waits for a transaction; `code` and `fault` say why the last call failed */
  bool decided;            /* by the transaction that is open */
  bool lost;               /* the row belongs to somebody else */
  bool later;              /* another target may take the job, but has no room now */
  lj_lane *next_lane;      /* entered; NULL: none has room */
  size_t next_target;
  char *next_history;
  char *tried;             /* the row's history with the calls of this try that went elsewhere; NULL: there are none */

  /* Of a job whose answer came in a batch (batch.c) */
  char batch[33];          /* the batch's mark; the row is claimed in the transaction that ends it. "": none */
  bool final;              /* nothing follows but failure */

  /* Of the end */
  lj_end end;
  int code;                /* why; LJ_OK for a completed job */
  int64_t ended_us;
  int64_t ended_at;        /* wall clock */
  int64_t at;              /* lj_settlement.at */
  int64_t retry_at;        /* wall clock: this failure has paused its lane until then; 0: it has not */
  int refusals;            /* times the row has refused this end */
  int64_t write_at_ms;     /* monotonic; no try to write before */
  char *history;           /* built by lj_verdict_build */
  char *json;
  lj_fault fault;          /* last: its text, which is longer than all the rest, is not cleared as a whole */
} lj_run;

/* Takes over `claimed` (its job and its place in the lane) and starts the call; a job that can't be started ends at once.
 * LJ_NOMEM: nothing was taken over. */
int lj_run_start(struct lj_engine *engine, lj_claimed *claimed, int64_t now) LJ_MUST_CHECK;

/* Hands text that worker:token has not told yet to the outbox. */
void lj_run_tell(lj_run *run);

/* Aborts the call and gives the attempt back. */
void lj_run_interrupt(lj_run *run, int code, const char *why);

/* Aborts the call and ends the job as cancelled. `code` is CANCELLED or SUPERSEDED. */
void lj_run_cancel(lj_run *run, int code, const char *why);

/* For remote.c: begins the next call to the run's target; takes back what the last one has brought; ends the try. */
void lj_run_call(lj_run *run);
void lj_run_reset(lj_run *run);
void lj_run_fail(lj_run *run, int code);

/* For batch.c. A run without a place in a lane, in no list, with its request built in `wire`; takes the job over. `at` is the wall
 * clock of the batch. *code is not LJ_OK when the job can't be sent. NULL: memory is short. */
lj_run *lj_run_of_batch(struct lj_engine *engine, lj_job *job, const char *mark, const lj_target *target, int64_t at, int *code);
/* What came for it, as a call would have brought it; or why nothing came. It ends with one of the next transactions. */
void lj_run_answer_batch(lj_run *run, int status, const char *body, size_t length);
void lj_run_end_batch(lj_run *run, int code);

/* 0 to 99 from the tokens that have come and those that may come; 0 when nobody knows. */
int lj_run_progress(const lj_run *run);

/* Goes on in `next_lane`, or ends when there is none. Called after the transaction that said so has committed. */
void lj_run_move(lj_run *run, int64_t now_wall);

/* Frees a run that its caller has taken out of its list; aborts its call and leaves its lane if it still has them. */
void lj_run_free(lj_run *run);

#endif
