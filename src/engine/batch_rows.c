/* SPDX-License-Identifier: MIT
 *
 * A batch and its rows.
 */
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "engine/batch_state.h"
#include "queue/batches.h"

const lj_batch_api *lj_batch_api_of(const lj_batch *batch) { return batch->target.provider->format->batch; }

void lj_batch_go(lj_batch *batch, lj_batch_step step, int64_t wait_ms) {
  batch->step = step;
  batch->step_at_ms = lj_mono_ms() + wait_ms;
}

void lj_batch_free(lj_batch *batch) {
  if (batch->call != NULL) lj_http_abort(batch->engine->http, batch->call);
  lj_wire_free(&batch->wire);
  lj_buffer_free(&batch->body);
  lj_buffer_free(&batch->entries);
  lj_ndjson_free(&batch->lines);
  lj_free(batch->text);
  lj_free(batch->model);
  lj_free(batch);
}

lj_batch *lj_batch_new(lj_engine *engine, const lj_target *target) {
  lj_batch *batch = lj_calloc(1, sizeof *batch);
  if (batch == NULL) return NULL;
  batch->engine = engine;
  batch->target = *target;
  batch->model = lj_strdup(target->model);
  batch->target.model = batch->model;
  lj_wire_init(&batch->wire);
  lj_buffer_init(&batch->body, LJ_MAX_BATCH_BODY);
  lj_buffer_init(&batch->entries, LJ_MAX_REQUEST_BYTES);
  lj_ndjson_init(&batch->lines, target->provider->max_response_bytes, lj_batch_on_line, batch);
  lj_fault_clear(&batch->fault);
  if (batch->model != NULL) return batch;
  lj_batch_free(batch);
  return NULL;
}

int lj_batch_text(lj_batch *batch, const char *id, int64_t until, char **out) {
  lj_buffer text;
  cJSON *json = cJSON_CreateObject();
  lj_buffer_init(&text, 8192);
  int code = json != NULL ? lj_json_put_string(json, "kind", "batch") : LJ_NOMEM;
  if (code == LJ_OK) code = lj_json_put_string(json, "batch", batch->mark);
  if (code == LJ_OK) code = lj_json_put_string(json, "state", id[0] != '\0' ? "created" : "creating");
  if (code == LJ_OK && id[0] != '\0') code = lj_json_put_string(json, "id", id);
  if (code == LJ_OK) code = lj_json_put_string(json, "provider", batch->target.provider->name);
  if (code == LJ_OK) code = lj_json_put_number(json, "key", (double)batch->target.key);
  if (code == LJ_OK) code = lj_json_put_string(json, "model", batch->model);
  if (code == LJ_OK) code = lj_json_put_number(json, "jobs", (double)batch->sealed);
  if (code == LJ_OK) code = lj_json_put_number(json, "at", (double)batch->at);
  if (code == LJ_OK) code = lj_json_put_string(json, "owner", batch->engine->lease_owner);
  if (code == LJ_OK) code = lj_json_put_number(json, "until", (double)until);
  if (code == LJ_OK) code = lj_json_print(json, &text);
  *out = code == LJ_OK ? lj_buffer_take(&text) : NULL;
  if (code == LJ_OK && *out == NULL) code = LJ_NOMEM;
  lj_buffer_free(&text);
  cJSON_Delete(json);
  return code;
}

int lj_batch_begin(lj_engine *engine) {
  int64_t now_us = lj_mono_us();
  if (now_us < engine->gap.write_at_us) return LJ_BUSY;
  int code = lj_store_begin(engine->store, true);
  if (code == LJ_BUSY) lj_gap_busy(&engine->gap, now_us);
  if (code != LJ_OK && code != LJ_BUSY) lj_gap_trouble(&engine->gap, now_us);
  return code;
}

int lj_batch_end(lj_engine *engine, int code, int64_t begun_us) {
  if (code == LJ_OK)
    code = lj_store_commit(engine->store);
  else
    lj_store_rollback(engine->store);
  int64_t now_us = lj_mono_us();
  if (code == LJ_OK) {
    engine->counters.writes++;
    lj_gap_wrote(&engine->gap, now_us, now_us - begun_us);
  } else if (code != LJ_BUSY) {
    lj_gap_trouble(&engine->gap, now_us);
  }
  return code;
}

int lj_batch_note(lj_batch *batch, const char *id) {
  lj_engine *engine = batch->engine;
  int64_t begun_us = lj_mono_us();
  int64_t until = lj_wall_ms() + LJ_BATCH_OWNER_MS;
  bool changed = false;
  char *text = NULL;
  int code = lj_batch_text(batch, id, until, &text);
  if (code == LJ_OK) code = lj_batch_begin(engine);
  if (code == LJ_OK) {
    code = lj_batches_note(engine->store, batch->mark, batch->text, text, &changed);
    code = lj_batch_end(engine, code, begun_us);
  }
  if (code == LJ_OK && changed) {
    lj_free(batch->text);
    batch->text = text;
    batch->until = until;
    return LJ_OK;
  }
  lj_free(text);
  return code == LJ_OK ? LJ_STALE : code;
}

int lj_batch_has_jobs(lj_batch *batch, bool *any) { return lj_batches_any(batch->engine->store, batch->mark, any); }

lj_run *lj_batch_run(lj_batch *batch, lj_job *job, int *code) {
  return lj_run_of_batch(batch->engine, job, batch->mark, &batch->target, batch->at, code);
}

bool lj_batch_is_writing(const lj_batch *batch) {
  for (const lj_run *run = batch->engine->ended.first; run != NULL; run = run->next)
    if (strcmp(run->batch, batch->mark) == 0) return true;
  for (const lj_run *run = batch->engine->refused.first; run != NULL; run = run->next)
    if (strcmp(run->batch, batch->mark) == 0) return true;
  return false;
}

void lj_batch_give_up(lj_batch *batch, int code) {
  if (batch->fault.code == LJ_OK) lj_fault_set(&batch->fault, code, "the batch came to nothing");
  batch->why = code;
  lj_batch_go(batch, LJ_STEP_FINISH, 0);
}

static int on_left(void *listener, lj_job *job) {
  lj_batch *batch = listener;
  int code = LJ_OK;
  lj_run *run = lj_batch_run(batch, job, &code);
  if (run == NULL) return LJ_NOMEM;
  run->fault = batch->fault;
  run->final = true;
  lj_run_end_batch(run, batch->why);
  return LJ_OK;
}

void lj_batch_finish(lj_batch *batch) {
  lj_engine *engine = batch->engine;
  int64_t begun_us = lj_mono_us();
  int code = LJ_OK;
  if (lj_batch_is_writing(batch)) {
    lj_batch_go(batch, LJ_STEP_FINISH, LJ_BATCH_STEP_MS);
    return;
  }
  if (batch->target.provider->batch.fallback) {
    code = lj_batch_begin(engine);
    if (code == LJ_OK) {
      code = lj_batches_leave(engine->store, batch->mark);
      code = lj_batch_end(engine, code, begun_us);
    }
    if (code == LJ_OK) engine->look = true;
  } else {
    code = lj_batches_jobs(engine->store, batch->mark, LJ_SQL_NULL, on_left, batch);
  }
  lj_batch_go(batch, code == LJ_OK ? LJ_STEP_OVER : LJ_STEP_FINISH, LJ_BATCH_STEP_MS);
}
