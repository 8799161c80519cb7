/* SPDX-License-Identifier: MIT
 *
 * All writing of the engine: one transaction a turn at most, holding the ends of that turn, the claim that refills their
 * slots, lease renewal and recovery. Between two transactions others get their turn (gap.h). Nothing here waits for a lock.
 */
#include <stddef.h>
#include <string.h>

#include "base/clock.h"
#include "engine/writer.h"

enum { REPAIR_STEP_MS = 50 /* between two batches of one pass over all jobs that wait for children */ };

static void on_follow(void *listener, const char *id, const char *name, lj_status status, int code, int64_t attempts) {
  lj_engine *engine = listener;
  lj_outbox_job(&engine->outbox, id, name, status, code, attempts);
  lj_requests_ended(engine, id);
}

void lj_follow_init(lj_engine *engine, int64_t now_wall, lj_follow *follow) {
  memset(follow, 0, sizeof *follow);
  follow->store = engine->store;
  follow->now = now_wall;
  follow->zones = &engine->zones;
  follow->on_change = on_follow;
  follow->on_orphan = lj_remote_orphan;
  follow->listener = engine;
}

static void put_off(lj_engine *engine, int code, int64_t now_us) {
  if (code == LJ_BUSY) {
    engine->counters.busy++;
    lj_gap_busy(&engine->gap, now_us);
    return;
  }
  lj_gap_trouble(&engine->gap, now_us);
  lj_log_write(&engine->log, LJ_LOG_ERROR, "nothing can be written now (%s): %zu ends wait, next try in %d ms",
               lj_code_name(code), engine->ended.count, (int)((engine->gap.write_at_us - now_us) / 1000));
  if (code == LJ_DB_ERROR) lj_guard_diagnose(engine);
}

static void start_claimed(lj_engine *engine, lj_claimed *claimed, size_t count, const lj_claim_source *source, int64_t now) {
  for (size_t i = 0; i < count; i++) {
    engine->counters.claimed++;
    if (lj_run_start(engine, &claimed[i], now) == LJ_OK) continue;
    /* The row stays ours until the lease runs out, and is recovered then. */
    lj_log_write(&engine->log, LJ_LOG_ERROR, "job %s: memory is short, it starts after its lease", claimed[i].job.id);
    source->dismiss(source->owner, claimed[i].lane, claimed[i].job.seq);
    lj_job_free(&claimed[i].job);
  }
}

static void free_claimed(lj_claimed *claimed, size_t count, const lj_claim_source *source) {
  for (size_t i = 0; i < count; i++) {
    source->dismiss(source->owner, claimed[i].lane, claimed[i].job.seq);
    lj_job_free(&claimed[i].job);
  }
}

/* One transaction, and what is only true once it has committed. */
typedef struct write_act {
  lj_write_plan plan;
  lj_claim_source source;
  lj_follow follow;
  int64_t now_ms;
  int64_t now_wall;
  size_t claimed_count;
  bool stale[LJ_WRITER_ENDS];
  size_t done; /* ends */
  size_t held; /* leases renewed */
  bool more;   /* the sweep has left rows */
  int64_t partial_wait_ms;
  int64_t held_us; /* how long the lock was ours */
  lj_claimed claimed[LJ_WRITER_CLAIMS]; /* large, so it is last and not cleared each turn */
} write_act;

static int write_all(lj_engine *engine, write_act *act) {
  int64_t begun_us = lj_mono_us();
  int code = lj_store_begin(engine->store, engine->ended.count > 0 || act->plan.sweep || act->plan.remote || lj_requests_unwritten(engine));
  if (code == LJ_OK) code = lj_writer_settle(engine, &act->follow, act->plan.end_most, &act->done, act->stale);
  int64_t settled_us = lj_mono_us();
  /* A shortage of memory at one end must not hold back those before it. */
  if (code == LJ_NOMEM && act->done > 0) code = LJ_OK;
  if (code == LJ_OK && act->plan.remote) code = lj_writer_remotes(engine);
  if (code == LJ_OK) code = lj_cancels_write(engine);
  if (code == LJ_OK) code = lj_requests_write(engine, act->now_wall);
  if (code == LJ_OK) code = lj_writer_upkeep(engine, &act->plan, &act->follow, &act->held, &act->more, &act->partial_wait_ms);
  if (code == LJ_OK && (act->plan.claim || act->plan.move)) code = lj_share_update(engine, act->now_wall);
  if (code == LJ_OK && act->plan.move) code = lj_moves_write(engine, act->now_wall);
  int64_t claim_us = lj_mono_us();
  if (code == LJ_OK && act->plan.claim) {
    lj_claim_terms terms = {.lease_owner = engine->lease_owner,
                            .lease_until = act->now_wall + engine->config.lease_ms,
                            .now = act->now_wall};
    engine->passed_over = false;
    code = lj_claim(&act->follow, &act->source, &terms, act->plan.claim_most, act->claimed, &act->claimed_count);
  }
  if (code == LJ_OK && act->plan.claim) code = lj_claim_next_due(engine->store, &engine->due_wall_ms);
  if (code != LJ_OK) {
    lj_store_rollback(engine->store);
    return code;
  }
  int64_t commit_us = lj_mono_us();
  code = lj_store_commit(engine->store);
  int64_t ended_us = lj_mono_us();
  act->held_us = ended_us - begun_us;
  if (code == LJ_OK)
    lj_pace_note(&engine->pace, act->done, settled_us - begun_us, act->claimed_count, commit_us - claim_us, ended_us - commit_us);
  return code;
}

static void note_committed(lj_engine *engine, write_act *act) {
  const lj_write_plan *plan = &act->plan;
  int64_t third_ms = act->now_ms + engine->config.lease_ms / 3;
  bool check_leases = engine->store->shape.renumbers || act->held < lj_writer_holding(engine) - act->done;
  engine->counters.writes++;
  if (plan->remote) lj_writer_remotes_written(engine);
  if (plan->renew) engine->renew_at_ms = third_ms;
  if (plan->mend) {
    engine->set_back = false;
    engine->look = true;
  }
  if (plan->repair) engine->repair_at_ms = act->now_ms + (engine->repair.seq > 0 ? REPAIR_STEP_MS : LJ_WRITER_REPAIR_MS);
  if (plan->partial) engine->partial_at_ms = act->now_ms + act->partial_wait_ms;
  /* What followed from ends may have set rows free, and asked others to end. */
  if (plan->sweep) engine->sweep = act->more;
  if (act->follow.cancels) engine->sweep = true;
  if (plan->sweep || plan->repair || act->done > 0) engine->look = true;
  if (plan->recover) {
    engine->recover_at_ms = third_ms;
    engine->look = true;
  }
  /* When the claim took all it asked for there may be more, also behind a row that it had to leave out; otherwise the rest
   * waits for a slot, a lane or a commit. */
  if (plan->claim) engine->look = act->claimed_count == plan->claim_most || engine->passed_over || engine->lanes.behind;
  lj_writer_announce(engine, act->done, act->stale);
  lj_cancels_answer(engine);
  lj_requests_written(engine);
  if (plan->renew && check_leases) lj_writer_drop_lost(engine);
  if (act->claimed_count > 0 && lj_writer_holding(engine) == 0) engine->renew_at_ms = third_ms;
  lj_moves_finish(engine, true, act->now_wall);
  start_claimed(engine, act->claimed, act->claimed_count, &act->source, act->now_wall);
}

void lj_writer_turn(lj_engine *engine) {
  int64_t now_us = lj_mono_us();
  write_act act;
  lj_writer_prepare(engine);
  if (now_us < engine->gap.write_at_us) return;
  memset(&act, 0, offsetof(write_act, claimed));
  act.now_ms = now_us / 1000;
  act.now_wall = lj_wall_ms();
  lj_admission_init(engine, act.now_wall, &act.source);
  int code = lj_writer_plan(engine, &act.source, act.now_ms, act.now_wall, &act.plan);
  if (code != LJ_OK) {
    put_off(engine, code, now_us);
    return;
  }
  const lj_write_plan *plan = &act.plan;
  bool upkeep = plan->renew || plan->mend || plan->recover || plan->sweep || plan->repair || plan->partial || plan->removal ||
                plan->remote || plan->move || engine->cancels.count > 0 || lj_requests_unwritten(engine);
  if (engine->ended.count == 0 && !plan->claim && !upkeep) return;
  if (lj_guard_moved(engine)) return;

  lj_repair repair_before = engine->repair;
  size_t events_before = engine->outbox.jobs.length;
  lj_follow_init(engine, act.now_wall, &act.follow);
  code = write_all(engine, &act);
  int64_t ended_us = lj_mono_us();
  if (code != LJ_OK) {
    free_claimed(act.claimed, act.claimed_count, &act.source);
    lj_moves_finish(engine, false, act.now_wall);
    lj_buffer_truncate(&engine->outbox.jobs, events_before);
    engine->repair = repair_before;
    put_off(engine, code, ended_us);
    return;
  }
  lj_gap_wrote(&engine->gap, ended_us, act.held_us);
  note_committed(engine, &act);
}
