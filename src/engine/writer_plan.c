/* SPDX-License-Identifier: MIT
 *
 * What the next transaction is to write. Everything is looked up before the write lock is taken, so that a turn with nothing to
 * write takes none.
 */
#include <string.h>

#include "engine/writer.h"
#include "queue/retention.h"
#include "queue/setback.h"
#include "queue/sweep.h"

static bool may_claim(const lj_engine *engine) { return !engine->paused && !engine->draining && engine->look; }

size_t lj_writer_holding(const lj_engine *engine) {
  return engine->calling.count + engine->ended.count + engine->refused.count;
}

bool lj_writer_pending(const lj_engine *engine, int64_t *at_us) {
  bool full = engine->calling.count >= lj_beat_slots(engine);
  bool must = engine->ended.count > 0 || engine->cancels.count > 0 || engine->moving > 0 || lj_writer_has_remotes(engine) ||
              lj_requests_unwritten(engine);
  if (!must && (!may_claim(engine) || full)) return false;
  *at_us = engine->gap.write_at_us;
  if (!must && engine->claim_after_ms * 1000 > *at_us) *at_us = engine->claim_after_ms * 1000;
  return true;
}

/* Which ended jobs are to be removed, one state at a time; only when nothing more urgent is to be written. */
static int plan_removal(lj_engine *engine, int64_t now_ms, int64_t now_wall, lj_write_plan *plan) {
  const struct {
    lj_status status;
    const lj_keep *keep;
  } states[] = {{LJ_STATUS_COMPLETED, &engine->config.keep_completed},
                {LJ_STATUS_FAILED, &engine->config.keep_failed},
                {LJ_STATUS_CANCELLED, &engine->config.keep_cancelled}};
  int code = LJ_OK;
  if (engine->ended.count > 0 || plan->claim || now_ms < engine->retention_at_ms) return LJ_OK;
  for (size_t i = 0; code == LJ_OK && !plan->removal && i < sizeof states / sizeof states[0]; i++) {
    size_t at = (i + engine->retention_turn) % (sizeof states / sizeof states[0]);
    plan->removal_status = states[at].status;
    code = lj_retention_look(engine->store, states[at].status, states[at].keep, now_wall, &plan->removal_before, &plan->removal);
  }
  engine->retention_turn++;
  if (!plan->removal) engine->retention_at_ms = now_ms + LJ_WRITER_RETENTION_MS;
  return code;
}

int lj_writer_plan(lj_engine *engine, const lj_claim_source *source, int64_t now_ms, int64_t now_wall, lj_write_plan *plan) {
  size_t ends = engine->ended.count < LJ_WRITER_ENDS ? engine->ended.count : LJ_WRITER_ENDS;
  size_t claims = LJ_WRITER_CLAIMS;
  lj_pace_limit(&engine->pace, &ends, &claims);
  size_t busy = lj_writer_holding(engine) - ends;
  size_t slots = lj_beat_slots(engine);
  int code = LJ_OK;
  memset(plan, 0, sizeof *plan);
  plan->end_most = ends;
  plan->move = engine->moving > 0;
  plan->remote = lj_writer_has_remotes(engine);
  if (may_claim(engine) || plan->move) code = lj_share_look(engine, now_wall);
  if (code != LJ_OK) return code;
  if (may_claim(engine) && now_ms >= engine->claim_after_ms && busy < slots) {
    plan->claim_most = slots - busy;
    if (plan->claim_most > claims) plan->claim_most = claims;
    plan->claim = true;
    /* With an end a slot gets free, with a request there is a job: it is not worth asking first. */
    if (ends == 0 && !lj_requests_unwritten(engine)) code = lj_claim_possible(engine->store, source, now_wall, &plan->claim);
    if (code == LJ_OK && !plan->claim) {
      engine->look = engine->lanes.behind;
      code = lj_claim_next_due(engine->store, &engine->due_wall_ms);
    }
  }
  plan->renew = lj_writer_holding(engine) > 0 && now_ms >= engine->renew_at_ms;
  if (code == LJ_OK && (engine->sweep || now_wall >= engine->expiry_wall_ms)) {
    code = lj_sweep_look(engine->store, now_wall, lj_writer_on_cancel, engine, &plan->sweep);
    if (code == LJ_OK) code = lj_writer_cancel_running(engine);
    if (code == LJ_OK && !plan->sweep) {
      engine->sweep = false;
      code = lj_sweep_next_expiry(engine->store, &engine->expiry_wall_ms);
    }
  }
  if (code == LJ_OK && now_ms >= engine->repair_at_ms) {
    code = lj_follow_any_blocked(engine->store, &plan->repair);
    if (!plan->repair) engine->repair_at_ms = now_ms + LJ_WRITER_REPAIR_MS;
  }
  if (code == LJ_OK) code = plan_removal(engine, now_ms, now_wall, plan);
  plan->partial = now_ms >= engine->partial_at_ms && lj_writer_has_news(engine);
  if (code == LJ_OK && engine->set_back) {
    code = lj_setback_look(engine->store, now_wall, &plan->mend);
    if (code == LJ_OK && !plan->mend) engine->set_back = false;
  }
  if (code == LJ_OK && now_ms >= engine->recover_at_ms) {
    code = lj_recovery_needed(engine->store, now_wall, &plan->recover);
    if (!plan->recover) engine->recover_at_ms = now_ms + engine->config.lease_ms / 3;
  }
  return code;
}
