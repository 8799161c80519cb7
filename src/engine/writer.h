/* SPDX-License-Identifier: MIT
 *
 * The parts of one transaction, for writer.c and the files named after it. The order in a turn: plan (reads only), begin, ends,
 * upkeep, claim, commit; memory changes only after the commit said yes.
 */
#ifndef LJ_ENGINE_WRITER_H
#define LJ_ENGINE_WRITER_H

#include "engine/state.h"

enum {
  LJ_WRITER_ENDS = 128,             /* ends of one transaction; pace.h makes it fewer, so that it stays short */
  LJ_WRITER_CLAIMS = LJ_CLAIM_MOST, /* jobs claimed in one transaction, likewise */
  LJ_WRITER_PARTIAL_MS = 250,       /* progress and partial texts are written at most four times a second */
  LJ_WRITER_REPAIR_MS = 10000,      /* between two passes over all jobs that wait for children */
  LJ_WRITER_RETENTION_MS = 60000    /* between two looks for jobs that may be removed */
};

/* What a transaction writes beside ends, and of what. */
typedef struct lj_write_plan {
  bool claim;
  bool move;    /* runs go on in other lanes */
  bool renew;
  bool mend;    /* times that were reckoned before the clock was set back */
  bool recover;
  bool sweep;
  bool repair;
  bool partial;
  bool remote;  /* ids of answers that are made in the background */
  bool removal;
  lj_status removal_status;
  int64_t removal_before;
  size_t end_most;
  size_t claim_most;
} lj_write_plan;

/* Jobs that this engine holds the lease of. */
size_t lj_writer_holding(const lj_engine *engine);

/* writer_plan.c: fills *plan, outside of any transaction. LJ_OK, LJ_BUSY, LJ_NOMEM, LJ_DB_ERROR. */
int lj_writer_plan(lj_engine *engine, const lj_claim_source *source, int64_t now_ms, int64_t now_wall,
                   lj_write_plan *plan) LJ_MUST_CHECK;

/* writer_ends.c: builds the JSON of the ends that the next transaction may hold, before the lock is taken: others would wait for it. */
void lj_writer_prepare(lj_engine *engine);
/* Writes `most` ends from the head of the list; *done is how many, stale[i] whether the i-th wrote nothing. On an error
 * *done have been written before it. */
int lj_writer_settle(lj_engine *engine, lj_follow *follow, size_t most, size_t *done, bool stale[LJ_WRITER_ENDS]) LJ_MUST_CHECK;
/* After the commit: counts and tells of the first `done` ends, and frees their runs. */
void lj_writer_announce(lj_engine *engine, size_t done, const bool stale[LJ_WRITER_ENDS]);

/* writer_upkeep.c: what the plan says beside ends and claim. *held is how many leases were renewed, *more whether the sweep left
 * rows for the next transaction, *partial_wait_ms after how long partial texts may be written again. */
int lj_writer_upkeep(lj_engine *engine, const lj_write_plan *plan, lj_follow *follow, size_t *held, bool *more,
                     int64_t *partial_wait_ms) LJ_MUST_CHECK;

/* writer_partials.c: progress and text so far of running jobs, in one statement; of as many as one transaction can hold, those
 * whose rows are oldest. *wait_ms is how long the next may wait. It is a service, not a duty: when memory is short it waits.
 * LJ_OK, LJ_BUSY, LJ_DB_ERROR. */
int lj_writer_partials(lj_engine *engine, int64_t *wait_ms) LJ_MUST_CHECK;

/* writer_aborts.c: an lj_cancel_cb of lj_sweep_look whose listener is the engine. */
void lj_writer_on_cancel(void *listener, int64_t seq, const char *token);
/* Aborts the calls that others want aborted. Called outside of a transaction, after the lists have been read. */
int lj_writer_cancel_running(lj_engine *engine) LJ_MUST_CHECK;
/* Aborts the calls whose lease somebody else has taken: what they bring could not be written. The others learn their rowids. */
void lj_writer_drop_lost(lj_engine *engine);

#endif
