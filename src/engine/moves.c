/* SPDX-License-Identifier: MIT
 *
 * Fallback: a run whose call has failed goes on with another target of its route. Where the other lane has limits that workers
 * share, the run waits for the next transaction, which finds room under the lock and writes the lane into the row.
 */
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "engine/state.h"
#include "engine/verdict.h"
#include "queue/calls.h"

enum { MAX_MOVES = 32 /* of one transaction */ };

/* Whether the target may do better with what the last one refused. */
static bool suits(const lj_target *from, const lj_target *to, int code) {
  return code != LJ_CONTEXT_LENGTH || to->context_tokens > from->context_tokens;
}

lj_lane *lj_moves_find(lj_engine *engine, lj_run *run, int code, int64_t now_ms, size_t *target) {
  const lj_target *targets = run->route.targets;
  for (size_t next = run->target + 1; next < run->route.count; next++) {
    lj_lane *lane = lj_lanes_get(&engine->lanes, &targets[next], now_ms);
    if (lane == NULL || lane->avoid_until_ms > now_ms || !suits(&targets[run->target], &targets[next], code)) continue;
    if (lj_admission_room(engine, lane, now_ms) == 0) continue;
    if (lj_lane_weighs(lane, now_ms) && !lj_lane_fits(lane, run->estimate, now_ms)) continue;
    *target = next;
    return lane;
  }
  return NULL;
}

bool lj_moves_later(lj_engine *engine, const lj_run *run, int64_t now_ms) {
  for (size_t i = 0; i < run->route.count; i++) {
    const lj_lane *lane = i != run->target ? lj_lanes_get(&engine->lanes, &run->route.targets[i], now_ms) : NULL;
    if (lane != NULL && lane->avoid_until_ms <= now_ms) return true;
  }
  return false;
}

static void undo(lj_engine *engine, lj_run *run, int64_t now_wall) {
  if (run->next_lane == NULL) return;
  lj_window_drop(&run->next_lane->window, run->job.seq, now_wall);
  lj_lane_leave(&engine->lanes, run->next_lane, lj_mono_ms());
  run->next_lane = NULL;
}

static int write_one(lj_engine *engine, lj_run *run, int64_t now_wall) {
  int64_t now_ms = lj_mono_ms();
  char *history = NULL;
  lj_lane *lane = lj_moves_find(engine, run, run->code, now_ms, &run->next_target);
  if (lane == NULL) return LJ_OK;
  int code = lj_verdict_history(run, &history);
  if (code == LJ_OK) code = lj_admission_note(lane, run->job.seq, now_wall, run->estimate);
  if (code == LJ_OK) {
    lj_lane_enter(&engine->lanes, lane, lj_lane_weighs(lane, now_ms) ? run->estimate : 0, now_ms);
    run->next_lane = lane;
    code = lj_calls_move(engine->store, run->job.seq, run->job.token, lane->name, history, now_wall, &run->lost);
  }
  if (code != LJ_OK || run->lost) undo(engine, run, now_wall);
  if (code == LJ_OK && !run->lost) {
    lj_free(run->next_history);
    run->next_history = history;
    return LJ_OK;
  }
  lj_free(history);
  return code == LJ_TOO_BIG || code == LJ_REFUSED ? LJ_OK : code; /* then it ends as if there were no other target */
}

int lj_moves_write(lj_engine *engine, int64_t now_wall) {
  int code = LJ_OK;
  int done = 0;
  for (lj_run *run = engine->calling.first; code == LJ_OK && run != NULL && done < MAX_MOVES; run = run->next) {
    if (!run->moving) continue;
    run->decided = true;
    code = write_one(engine, run, now_wall);
    done++;
  }
  return code;
}

void lj_moves_finish(lj_engine *engine, bool committed, int64_t now_wall) {
  for (lj_run *run = engine->calling.first, *next; run != NULL; run = next) {
    next = run->next;
    if (!run->decided) continue;
    run->decided = false;
    if (committed) {
      lj_run_move(run, now_wall);
    } else {
      undo(engine, run, now_wall);
      run->lost = false;
    }
  }
}
