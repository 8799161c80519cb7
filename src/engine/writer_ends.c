/* SPDX-License-Identifier: MIT
 *
 * The ends of runs: written in a transaction with what follows from them, told of after its commit.
 */
#include <string.h>

#include "base/clock.h"
#include "engine/verdict.h"
#include "engine/writer.h"
#include "queue/batches.h"

enum {
  REFUSED_MS = 1000,     /* first wait before an end that its row refused is tried again; doubles … */
  MAX_REFUSED_MS = 60000 /* … up to here */
};

/* An end that the row refuses, because of the app's own triggers or constraints, must not hold back the others: it is kept,
 * and tried again. */
static void set_aside(lj_engine *engine, lj_run *run) {
  int64_t wait = REFUSED_MS;
  for (int i = 0; i < run->refusals && wait < MAX_REFUSED_MS; i++) wait *= 2;
  run->refusals++;
  run->write_at_ms = lj_mono_ms() + (wait < MAX_REFUSED_MS ? wait : MAX_REFUSED_MS);
  lj_log_write(&engine->log, LJ_LOG_ERROR,
               "job %s: the row refuses its end (a trigger or a constraint of the app); it is kept and tried again", run->job.id);
  lj_run_list_remove(&engine->ended, run);
  lj_run_list_add(&engine->refused, run);
}

void lj_writer_recall(lj_engine *engine, int64_t now_ms) {
  for (lj_run *run = engine->refused.first, *next; run != NULL; run = next) {
    next = run->next;
    if (run->write_at_ms > now_ms) continue;
    lj_run_list_remove(&engine->refused, run);
    lj_run_list_add(&engine->ended, run);
  }
}

static int settle_one(lj_engine *engine, lj_run *run, bool *stale) {
  if (run->batch[0] != '\0') {
    bool taken = false;
    int64_t now = lj_wall_ms();
    int64_t until = now + engine->config.lease_ms;
    int code = lj_batches_take(engine->store, &run->job, run->batch, engine->lease_owner, until, run->processed_on, &taken);
    *stale = code == LJ_OK && !taken;
    if (code != LJ_OK || !taken) return code;
  }
  lj_settlement settlement = {.end = run->end,
                              .seq = run->job.seq,
                              .token = run->job.token,
                              .lane = run->lane_name[0] != '\0' ? run->lane_name : NULL,
                              .history = run->history,
                              .json = run->json,
                              .at = run->at,
                              .remote = run->end == LJ_END_RELEASE || run->end == LJ_END_RETRY ? run->remote.text : NULL};
  int code = lj_settle(engine->store, &settlement, stale);
  run->job.seq = settlement.seq;
  return code;
}

/* Whether anything may follow from the end of this job: most have neither a parent nor another occurrence. */
static bool has_followers(const lj_run *run) {
  bool ends = run->end == LJ_END_COMPLETE || run->end == LJ_END_FAIL || run->end == LJ_END_CANCEL;
  return ends && (run->job.has_parent || (run->job.opts != NULL && strstr(run->job.opts, "\"repeat\"") != NULL));
}

void lj_writer_prepare(lj_engine *engine) {
  size_t left = LJ_WRITER_ENDS;
  /* Where memory is short the transaction tries again, and tells of it. */
  for (lj_run *run = engine->ended.first; run != NULL && left > 0; run = run->next, left--)
    if (lj_verdict_build(run) != LJ_OK) return;
}

int lj_writer_settle(lj_engine *engine, lj_follow *follow, size_t most, size_t *done, bool stale[LJ_WRITER_ENDS]) {
  int code = LJ_OK;
  *done = 0;
  for (lj_run *run = engine->ended.first, *next; code == LJ_OK && run != NULL && *done < most; run = next) {
    next = run->next;
    code = lj_verdict_build(run);
    if (code != LJ_OK) break;
    code = settle_one(engine, run, &stale[*done]);
    bool goes_back = run->end == LJ_END_RETRY || run->end == LJ_END_RELEASE;
    if (code == LJ_REFUSED && goes_back && run->job.supersede_key != NULL) {
      lj_verdict_supersede(run);
      code = lj_verdict_build(run);
      if (code == LJ_OK) code = settle_one(engine, run, &stale[*done]);
    }
    if (code == LJ_OK && !stale[*done] && has_followers(run)) code = lj_follow_end(follow, run->job.seq);
    if (code == LJ_OK) (*done)++;
    if (code == LJ_REFUSED) {
      set_aside(engine, run);
      code = LJ_OK;
    }
  }
  return code;
}

static void count_end(lj_engine *engine, const lj_run *run) {
  switch (run->end) {
    case LJ_END_COMPLETE:
      engine->counters.completed++;
      break;
    case LJ_END_RETRY:
      engine->counters.retried++;
      break;
    case LJ_END_FAIL:
      engine->counters.failed++;
      break;
    case LJ_END_CANCEL:
      engine->counters.cancelled++;
      break;
    default:
      engine->counters.interrupted++;
      break;
  }
}

void lj_writer_announce(lj_engine *engine, size_t done, const bool stale[LJ_WRITER_ENDS]) {
  for (size_t i = 0; i < done; i++) {
    lj_run *run = engine->ended.first;
    if (stale[i]) {
      engine->counters.stale++;
      lj_log_write(&engine->log, LJ_LOG_WARN, "job %s: the lease was lost, its answer is dropped", run->job.id);
    } else {
      count_end(engine, run);
      if (run->end == LJ_END_COMPLETE || run->end == LJ_END_FAIL || run->end == LJ_END_CANCEL) {
        lj_live_ended(run);
        lj_requests_ended(engine, run->job.id);
      }
      if (run->end == LJ_END_RETRY && run->at < engine->due_wall_ms) engine->due_wall_ms = run->at;
      lj_outbox_job(&engine->outbox, run->job.id, run->job.name, lj_end_status(engine->store, run->end), run->code,
                    run->end == LJ_END_RELEASE ? run->job.attempts - 1 : run->job.attempts);
    }
    lj_run_list_remove(&engine->ended, run);
    lj_run_free(run);
  }
}
