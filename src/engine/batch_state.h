/* SPDX-License-Identifier: MIT
 *
 * A batch that this engine looks after, for the files of batch.c only: batch.c decides what is to be done next, batch_rows.c
 * writes to the rows, batch_call.c speaks with the provider.
 */
#ifndef LJ_ENGINE_BATCH_STATE_H
#define LJ_ENGINE_BATCH_STATE_H

#include "engine/batch.h"
#include "engine/state.h"
#include "http/ndjson.h"
#include "provider/batch.h"

enum {
  LJ_BATCH_STEP_MS = 20,      /* before a step that the lock of another process has put off */
  LJ_BATCH_WAIT_MS = 1000,    /* after trouble; doubles with each in a row */
  LJ_BATCH_CALL_MS = 600000,  /* the longest request: a large upload, or results */
  LJ_BATCH_OWNER_MS = 2 * LJ_BATCH_CALL_MS, /* how long a batch belongs to its worker after its last note: longer than any request */
  LJ_BATCH_REJECTED = 64
};

typedef enum lj_batch_step {
  LJ_STEP_ADOPT,   /* notes that the batch is ours now */
  LJ_STEP_FIND,    /* looks for it at the provider */
  LJ_STEP_UPLOAD,
  LJ_STEP_CREATE,
  LJ_STEP_NOTE,    /* notes its id */
  LJ_STEP_POLL,
  LJ_STEP_RESULTS,
  LJ_STEP_FINISH,  /* once all answers are written: what is left runs by calls of its own, or fails */
  LJ_STEP_CANCEL,  /* nobody wants it any more */
  LJ_STEP_OVER
} lj_batch_step;

struct lj_batch {
  lj_batch *next;
  lj_engine *engine;
  char mark[LJ_BATCH_MARK_SIZE];
  char id[LJ_BATCH_ID_SIZE];   /* "": not created, or not known */
  char file[LJ_BATCH_ID_SIZE]; /* of the upload */
  lj_target target;
  char *model;                 /* owned; target.model */
  char *text;                  /* what the rows say */
  int64_t at;                  /* wall clock of its sealing */
  int64_t until;               /* wall clock: ours until then */
  size_t sealed;               /* jobs that it began with */
  size_t jobs;                 /* in the table, at the last look */
  bool seen;                   /* by the look that is under way */
  lj_batch_step step;
  int64_t step_at_ms;
  int troubles;                /* in a row */
  char page[LJ_BATCH_PAGE_SIZE]; /* of the provider's list, "": the first */
  int pages;                   /* read of this list */
  int looks;                   /* through the whole list that did not find it */
  bool unsure;                 /* id was found by its size only: its results tell whether it is ours */
  bool foreign;                /* they have */
  char rejected[LJ_BATCH_REJECTED][LJ_BATCH_ID_SIZE];
  size_t rejected_count;
  int why;                     /* code for what is left, with fault */
  lj_fault fault;
  lj_buffer entries;
  size_t entry_count;
  lj_batch_news news;
  size_t place;                /* of news.results */
  lj_wire wire;
  lj_call *call;
  lj_head head;
  lj_buffer body;
  lj_ndjson lines;
  size_t taken_bytes;          /* of results, by this request */
};

const lj_batch_api *lj_batch_api_of(const lj_batch *batch);
/* `step` is to be taken when so many milliseconds have passed. */
void lj_batch_go(lj_batch *batch, lj_batch_step step, int64_t wait_ms);

/* batch_rows.c. Borrows nothing. NULL: memory is short. */
lj_batch *lj_batch_new(lj_engine *engine, const lj_target *target);
void lj_batch_free(lj_batch *batch);
/* What the rows are to say: id "" while it is being created. */
int lj_batch_text(lj_batch *batch, const char *id, int64_t until, char **out) LJ_MUST_CHECK;
/* A transaction of its own, within the gaps that others are left. `code` is that of what was done in it. */
int lj_batch_begin(lj_engine *engine) LJ_MUST_CHECK;
int lj_batch_end(lj_engine *engine, int code, int64_t begun_us) LJ_MUST_CHECK;
/* Writes to the rows how far the batch has come. LJ_STALE: somebody else goes on with it, or no job is left. */
int lj_batch_note(lj_batch *batch, const char *id) LJ_MUST_CHECK;
/* Whether any job of it is left in the table. */
int lj_batch_has_jobs(lj_batch *batch, bool *any) LJ_MUST_CHECK;
/* The run of one of its jobs; as lj_run_of_batch. */
lj_run *lj_batch_run(lj_batch *batch, lj_job *job, int *code);
/* Whether jobs of it have ended and their rows do not say so yet. */
bool lj_batch_is_writing(const lj_batch *batch);
/* Nothing more comes from the batch: what is left runs by calls of its own, or fails. */
void lj_batch_give_up(lj_batch *batch, int code);
void lj_batch_finish(lj_batch *batch);

/* batch_call.c */
void lj_batch_submit(lj_batch *batch);
void lj_batch_request(lj_batch *batch);
int lj_batch_on_line(void *owner, const char *line, size_t length);

#endif
