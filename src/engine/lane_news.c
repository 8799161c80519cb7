/* SPDX-License-Identifier: MIT
 *
 * worker:lane: which lanes do not take calls as usual, and why.
 */
#include "base/clock.h"
#include "base/json.h"
#include "engine/state.h"

enum { SAME_MS = 20 /* a time that differs by less is the same, told again with another clock */ };

static void tell(lj_engine *engine, const lj_lane *lane, int64_t now_ms) {
  cJSON *payload = cJSON_CreateObject();
  int code = payload != NULL ? LJ_OK : LJ_NOMEM;
  if (code == LJ_OK) code = lj_json_put_string(payload, "lane", lane->name);
  if (code == LJ_OK) code = lj_json_put_string(payload, "state", lj_lane_state_name(lane->told));
  if (code == LJ_OK && lane->told_code != LJ_OK) code = lj_json_put_string(payload, "code", lj_code_name(lane->told_code));
  if (code == LJ_OK && lane->told_until_ms > 0)
    code = lj_json_put_number(payload, "until", (double)(lj_wall_ms() + lane->told_until_ms - now_ms));
  if (code != LJ_OK) {
    cJSON_Delete(payload);
    payload = NULL;
  }
  lj_outbox_post(&engine->outbox, NULL, "worker:lane", payload);
}

void lj_lanes_tell(lj_engine *engine, int64_t now_ms) {
  lj_lanes *lanes = &engine->lanes;
  if (!lanes->news) return;
  lanes->news = false;
  for (size_t i = 0; i < lanes->count; i++) {
    lj_lane *lane = lanes->items[i];
    int code = LJ_OK;
    int64_t until = 0;
    lj_lane_state state = lj_lane_state_of(lanes, lane, now_ms, &code, &until);
    int64_t differs = until - lane->told_until_ms;
    if (state == lane->told && code == lane->told_code && differs > -SAME_MS && differs < SAME_MS) continue;
    lane->told = state;
    lane->told_code = code;
    lane->told_until_ms = until;
    tell(engine, lane, now_ms);
  }
}
