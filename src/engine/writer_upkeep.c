/* SPDX-License-Identifier: MIT
 *
 * What a transaction writes beside ends and claim: leases, jobs of the dead, what others asked of rows that nobody holds, flows
 * that were left half written, old rows.
 */
#include "base/clock.h"
#include "engine/writer.h"
#include "queue/retention.h"
#include "queue/setback.h"
#include "queue/sweep.h"

enum { RETENTION_STEP_MS = 50 /* between two batches of removals */ };

int lj_writer_upkeep(lj_engine *engine, const lj_write_plan *plan, lj_follow *follow, size_t *held, bool *more,
                     int64_t *partial_wait_ms) {
  int code = LJ_OK;
  int removed = 0;
  if (plan->renew) code = lj_renew(engine->store, engine->lease_owner, follow->now + engine->config.lease_ms, held);
  if (code == LJ_OK && plan->mend) code = lj_setback_mend(follow);
  if (code == LJ_OK && plan->recover) {
    lj_recovery recovery = {.owner = engine->lease_owner,
                            .now = follow->now,
                            .max_stalls = engine->config.max_stalls,
                            .follow = follow,
                            .on_recovered = lj_tell_recovered,
                            .listener = engine};
    code = lj_recover_expired(engine->store, &recovery);
    if (code == LJ_REFUSED) code = LJ_OK; /* by a trigger of the app; tried again in a third of a lease */
  }
  if (code == LJ_OK && plan->sweep) code = lj_sweep(follow, more);
  if (code == LJ_OK && plan->repair) code = lj_follow_repair(follow, &engine->repair);
  if (code == LJ_OK && plan->partial) code = lj_writer_partials(engine, partial_wait_ms);
  if (code == LJ_OK && plan->removal) {
    code = lj_retention_remove(engine->store, plan->removal_status, plan->removal_before, follow->now, &removed);
    if (code == LJ_REFUSED) code = LJ_OK;
    engine->retention_at_ms = lj_mono_ms() + (removed > 0 ? RETENTION_STEP_MS : LJ_WRITER_RETENTION_MS);
    engine->counters.removed += (uint64_t)removed;
  }
  if (code == LJ_OK && plan->sweep) code = lj_sweep_next_expiry(engine->store, &engine->expiry_wall_ms);
  return code;
}
