/* SPDX-License-Identifier: MIT
 *
 * All writing of the engine: one transaction a turn at most, holding the ends of that turn, the claim that refills their
 * slots, lease renewal and recovery. Between two transactions others get at least as much time as the last one took, because
 * SQLite's busy handler sleeps while a greedy writer takes the lock again and again. Nothing here waits for a lock.
 */
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "engine/state.h"
#include "engine/verdict.h"

enum {
  MAX_ENDS = 32,         /* ends of one transaction: what keeps it under 5 ms with synchronous=FULL */
  MAX_CLAIMS = 64,       /* jobs claimed in one transaction */
  MAX_GAP_US = 5000,     /* the longest gap that we leave to others */
  MIN_BUSY_US = 1000,    /* first wait when another process holds the lock; doubles … */
  MAX_BUSY_US = 8000,    /* … up to here: how late we may notice that the lock is free */
  REFUSED_MS = 1000,     /* first wait before an end that its row refused is tried again; doubles … */
  MAX_REFUSED_MS = 60000, /* … up to here */
  TROUBLE_US = 1000000   /* after an error of the database, memory shortage included */
};

typedef struct write_plan {
  bool claim;
  bool renew;
  bool recover;
  size_t claim_most;
} write_plan;

static bool may_claim(const lj_engine *engine) { return !engine->paused && !engine->draining && engine->look; }

static size_t holding(const lj_engine *engine) {
  return engine->calling.count + engine->ended.count + engine->refused.count;
}

bool lj_writer_pending(const lj_engine *engine, int64_t *at_us) {
  bool full = engine->calling.count >= engine->config.concurrency;
  if (engine->ended.count == 0 && (!may_claim(engine) || full)) return false;
  *at_us = engine->write_at_us;
  if (engine->ended.count == 0 && engine->claim_after_ms * 1000 > *at_us) *at_us = engine->claim_after_ms * 1000;
  return true;
}

static int make_plan(lj_engine *engine, const lj_claim_source *source, int64_t now_ms, int64_t now_wall, write_plan *plan) {
  size_t ends = engine->ended.count < MAX_ENDS ? engine->ended.count : MAX_ENDS;
  size_t busy = holding(engine) - ends;
  int code = LJ_OK;
  memset(plan, 0, sizeof *plan);
  if (may_claim(engine) && now_ms >= engine->claim_after_ms && busy < engine->config.concurrency) {
    plan->claim_most = engine->config.concurrency - busy;
    if (plan->claim_most > MAX_CLAIMS) plan->claim_most = MAX_CLAIMS;
    plan->claim = true;
    if (ends == 0) code = lj_claim_possible(engine->store, source, now_wall, &plan->claim);
    if (code == LJ_OK && !plan->claim) {
      engine->look = false;
      code = lj_claim_next_due(engine->store, &engine->due_wall_ms);
    }
  }
  plan->renew = holding(engine) > 0 && now_ms >= engine->renew_at_ms;
  if (code == LJ_OK && now_ms >= engine->recover_at_ms) {
    code = lj_recovery_needed(engine->store, now_wall, &plan->recover);
    if (!plan->recover) engine->recover_at_ms = now_ms + engine->config.lease_ms / 3;
  }
  return code;
}

/* An end that the row refuses, because of the app's own triggers or constraints, must not hold back the others: it is kept,
 * and tried again. */
static void set_aside(lj_engine *engine, lj_run *run) {
  int64_t wait = REFUSED_MS;
  for (int i = 0; i < run->refusals && wait < MAX_REFUSED_MS; i++) wait *= 2;
  run->refusals++;
  run->write_at_ms = lj_mono_ms() + (wait < MAX_REFUSED_MS ? wait : MAX_REFUSED_MS);
  lj_log_write(&engine->log, LJ_LOG_ERROR, "job %s: the row refuses its end (a trigger or a constraint of the app); it is kept and tried again",
               run->job.id);
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

/* Writes ends from the head of the list; *done is how many, stale[i] whether the i-th wrote nothing. */
static int settle_ends(lj_engine *engine, size_t *done, bool stale[MAX_ENDS]) {
  int code = LJ_OK;
  *done = 0;
  for (lj_run *run = engine->ended.first, *next; code == LJ_OK && run != NULL && *done < MAX_ENDS; run = next) {
    next = run->next;
    code = lj_verdict_build(run);
    if (code != LJ_OK) break;
    lj_settlement settlement = {.end = run->end,
                                .seq = run->job.seq,
                                .token = run->job.token,
                                .lane = run->lane_name[0] != '\0' ? run->lane_name : NULL,
                                .history = run->history,
                                .json = run->json,
                                .at = run->at};
    code = lj_settle(engine->store, &settlement, &stale[*done]);
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
    default:
      engine->counters.interrupted++;
      break;
  }
}

static void announce_ends(lj_engine *engine, size_t done, const bool stale[MAX_ENDS]) {
  for (size_t i = 0; i < done; i++) {
    lj_run *run = engine->ended.first;
    if (stale[i]) {
      engine->counters.stale++;
      lj_log_write(&engine->log, LJ_LOG_WARN, "job %s: the lease was lost, its answer is dropped", run->job.id);
    } else {
      count_end(engine, run);
      if (run->end == LJ_END_RETRY && run->at < engine->due_wall_ms) engine->due_wall_ms = run->at;
      lj_outbox_job(&engine->outbox, run->job.id, run->job.name, lj_end_status(run->end), run->code,
                    run->end == LJ_END_RELEASE ? run->job.attempts - 1 : run->job.attempts);
    }
    lj_run_list_remove(&engine->ended, run);
    lj_run_free(run);
  }
}

typedef struct held_check {
  lj_engine *engine;
  lj_run_list kept;
} held_check;

static void on_held(void *listener, int64_t seq, const char *token) {
  held_check *check = listener;
  for (lj_run *run = check->engine->calling.first; run != NULL; run = run->next)
    if (run->job.seq == seq && strcmp(run->job.token, token) == 0) {
      lj_run_list_remove(&check->engine->calling, run);
      lj_run_list_add(&check->kept, run);
      return;
    }
}

/* Calls whose lease somebody else has taken are aborted: what they bring could not be written. */
static void drop_lost(lj_engine *engine) {
  held_check check = {.engine = engine};
  int code = lj_list_held(engine->store, engine->lease_owner, on_held, &check);
  if (code == LJ_OK) {
    while (engine->calling.first != NULL) {
      lj_run *run = engine->calling.first;
      engine->counters.stale++;
      lj_log_write(&engine->log, LJ_LOG_WARN, "job %s: the lease was lost, its call is aborted", run->job.id);
      lj_run_list_remove(&engine->calling, run);
      lj_run_free(run);
    }
  }
  while (check.kept.first != NULL) {
    lj_run *run = check.kept.first;
    lj_run_list_remove(&check.kept, run);
    lj_run_list_add(&engine->calling, run);
  }
}

static void put_off(lj_engine *engine, int code, int64_t now_us) {
  if (code == LJ_BUSY) {
    int64_t wait = MIN_BUSY_US;
    for (int i = 0; i < engine->busy_streak && wait < MAX_BUSY_US; i++) wait *= 2;
    engine->busy_streak++;
    engine->counters.busy++;
    engine->write_at_us = now_us + (wait < MAX_BUSY_US ? wait : MAX_BUSY_US);
    return;
  }
  lj_log_write(&engine->log, LJ_LOG_ERROR, "nothing can be written now (%s): %zu ends wait, next try in %d ms",
               lj_code_name(code), engine->ended.count, TROUBLE_US / 1000);
  engine->write_at_us = now_us + TROUBLE_US;
}

static void start_claimed(lj_engine *engine, lj_claimed *claimed, size_t count, const lj_claim_source *source, int64_t now) {
  for (size_t i = 0; i < count; i++) {
    engine->counters.claimed++;
    if (lj_run_start(engine, &claimed[i], now) == LJ_OK) continue;
    /* The row stays ours until the lease runs out, and is recovered then. */
    lj_log_write(&engine->log, LJ_LOG_ERROR, "job %s: memory is short, it starts after its lease", claimed[i].job.id);
    source->dismiss(source->owner, claimed[i].lane);
    lj_job_free(&claimed[i].job);
  }
}

static void free_claimed(lj_claimed *claimed, size_t count, const lj_claim_source *source) {
  for (size_t i = 0; i < count; i++) {
    source->dismiss(source->owner, claimed[i].lane);
    lj_job_free(&claimed[i].job);
  }
}

void lj_writer_turn(lj_engine *engine) {
  int64_t begun_us = lj_mono_us();
  int64_t now_ms = begun_us / 1000;
  int64_t now_wall = lj_wall_ms();
  lj_claim_source source;
  write_plan plan;
  if (begun_us < engine->write_at_us) return;
  lj_admission_init(engine, &source);
  int code = make_plan(engine, &source, now_ms, now_wall, &plan);
  if (code != LJ_OK) {
    put_off(engine, code, begun_us);
    return;
  }
  if (engine->ended.count == 0 && !plan.claim && !plan.renew && !plan.recover) return;

  lj_claimed claimed[MAX_CLAIMS];
  size_t claimed_count = 0;
  bool stale[MAX_ENDS] = {false};
  size_t done = 0;
  size_t held = 0;
  size_t events_before = engine->outbox.jobs.length;
  code = lj_store_begin(engine->store, engine->ended.count > 0);
  if (code == LJ_OK) code = settle_ends(engine, &done, stale);
  /* A shortage of memory at one end must not hold back those before it. */
  if (code == LJ_NOMEM && done > 0) code = LJ_OK;
  if (code == LJ_OK && plan.renew)
    code = lj_renew(engine->store, engine->lease_owner, now_wall + engine->config.lease_ms, &held);
  if (code == LJ_OK && plan.recover) {
    lj_recovery recovery = {.owner = engine->lease_owner,
                            .now = now_wall,
                            .max_stalls = engine->config.max_stalls,
                            .on_recovered = lj_tell_recovered,
                            .listener = engine};
    code = lj_recover_expired(engine->store, &recovery);
  }
  if (code == LJ_OK && plan.claim) {
    lj_claim_terms terms = {.lease_owner = engine->lease_owner,
                            .lease_until = now_wall + engine->config.lease_ms,
                            .now = now_wall};
    engine->passed_over = false;
    code = lj_claim(engine->store, &source, &terms, plan.claim_most, claimed, &claimed_count);
  }
  if (code == LJ_OK && plan.claim) code = lj_claim_next_due(engine->store, &engine->due_wall_ms);
  if (code == LJ_OK)
    code = lj_store_commit(engine->store);
  else
    lj_store_rollback(engine->store);

  int64_t ended_us = lj_mono_us();
  if (code != LJ_OK) {
    free_claimed(claimed, claimed_count, &source);
    lj_buffer_truncate(&engine->outbox.jobs, events_before);
    put_off(engine, code, ended_us);
    return;
  }
  int64_t took = ended_us - begun_us;
  engine->busy_streak = 0;
  engine->counters.writes++;
  engine->write_at_us = ended_us + (took < MAX_GAP_US ? took : MAX_GAP_US);
  bool lost = plan.renew && held < holding(engine) - done;
  if (plan.renew) engine->renew_at_ms = now_ms + engine->config.lease_ms / 3;
  if (plan.recover) {
    engine->recover_at_ms = now_ms + engine->config.lease_ms / 3;
    engine->look = true;
  }
  /* When the claim took all it asked for there may be more, also behind a row that it had to leave out; otherwise the rest
   * waits for a slot, a lane or a commit. */
  if (plan.claim) engine->look = claimed_count == plan.claim_most || engine->passed_over;
  announce_ends(engine, done, stale);
  if (lost) drop_lost(engine);
  if (claimed_count > 0 && holding(engine) == 0) engine->renew_at_ms = now_ms + engine->config.lease_ms / 3;
  start_claimed(engine, claimed, claimed_count, &source, now_wall);
}
