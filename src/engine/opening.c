/* SPDX-License-Identifier: MIT
 *
 * From a started thread to a working engine: opens the database, takes back what an earlier process of this worker held, and
 * tells which of worker:ready and worker:failed it is.
 */
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/process.h"
#include "engine/state.h"
#include "queue/unusable.h"

enum {
  RETRY_MS = 5,  /* between tries while another process holds the lock */
  TRIM_MS = 1000 /* the host's own start-up is over by then */
};

void lj_tell_recovered(void *listener, const char *id, const char *name, lj_status status, int64_t attempts) {
  lj_engine *engine = listener;
  engine->counters.recovered++;
  lj_outbox_job(&engine->outbox, id, name, status, LJ_STALLED, attempts);
  lj_requests_ended(engine, id);
}

static int take_back(lj_engine *engine) {
  size_t events_before = engine->outbox.jobs.length;
  lj_follow follow;
  lj_follow_init(engine, lj_wall_ms(), &follow);
  lj_recovery recovery = {.owner = engine->lease_owner,
                          .now = lj_wall_ms(),
                          .max_stalls = engine->config.max_stalls,
                          .follow = &follow,
                          .on_recovered = lj_tell_recovered,
                          .listener = engine};
  int code = lj_store_begin(engine->store, false);
  if (code != LJ_OK) return code;
  code = lj_recover_predecessors(engine->store, &recovery);
  if (code == LJ_OK) code = lj_recover_expired(engine->store, &recovery);
  if (code == LJ_REFUSED) code = LJ_OK; /* a trigger of the app keeps a row as it is; others can run */
  if (code == LJ_OK)
    code = lj_store_commit(engine->store);
  else
    lj_store_rollback(engine->store);
  if (code != LJ_OK) {
    lj_buffer_truncate(&engine->outbox.jobs, events_before);
    engine->counters.recovered = 0;
  }
  return code;
}

static void tell_ready(lj_engine *engine) {
  cJSON *payload = cJSON_CreateObject();
  cJSON *versions = NULL;
  const char *text = lj_engine_versions();
  int code = payload != NULL ? lj_json_parse(text, strlen(text), &versions) : LJ_NOMEM;
  if (code == LJ_OK) code = lj_json_put_value(payload, "versions", versions);
  if (code == LJ_OK) code = lj_json_put_string(payload, "workerId", engine->config.worker_id);
  if (code == LJ_OK) code = lj_json_put_string(payload, "owner", engine->lease_owner);
  if (code == LJ_OK) code = lj_json_put_number(payload, "pid", (double)lj_process_id());
  if (code == LJ_OK) code = lj_json_put_string(payload, "database", engine->config.database);
  if (code == LJ_OK) code = lj_json_put_number(payload, "recovered", (double)engine->counters.recovered);
  if (code == LJ_OK) {
    lj_outbox_post(&engine->outbox, NULL, "worker:ready", payload);
    return;
  }
  cJSON_Delete(payload);
  engine->outbox.dropped++;
}

static void tell_failed(lj_engine *engine, const lj_fault *fault) {
  cJSON *payload = cJSON_CreateObject();
  int code = payload != NULL ? lj_json_put_string(payload, "code", lj_code_name(fault->code)) : LJ_NOMEM;
  if (code == LJ_OK) code = lj_json_put_string(payload, "message", fault->message);
  if (code != LJ_OK) {
    cJSON_Delete(payload);
    payload = NULL;
  }
  engine->failed = true;
  lj_outbox_post(&engine->outbox, NULL, "worker:failed", payload);
}

void lj_opening_turn(lj_engine *engine) {
  lj_fault fault;
  int64_t now = lj_mono_ms();
  int code = LJ_OK;
  if (engine->failed || now < engine->open_at_ms) return;
  lj_fault_clear(&fault);
  if (engine->store == NULL) code = lj_store_open(engine->config.database, &engine->log, &engine->store, &fault);
  if (code == LJ_OK) code = take_back(engine);
  if ((code == LJ_BUSY || code == LJ_NOMEM) && now < engine->open_until_ms) {
    engine->open_at_ms = now + RETRY_MS;
    return;
  }
  if (code != LJ_OK) {
    if (code == LJ_BUSY)
      lj_fault_set(&fault, code,
                   "database: another process has held the write lock of %s since this worker started; end its transaction",
                   engine->config.database);
    if (fault.code == LJ_OK && engine->store != NULL && engine->store->trouble != SQLITE_OK)
      code = lj_unusable_explain(engine->config.database, engine->store->trouble, engine->store->trouble_words, &fault);
    if (fault.code == LJ_OK) lj_fault_set(&fault, code, "database: %s can't be written: %s", engine->config.database,
                                           engine->store != NULL ? sqlite3_errmsg(engine->store->db) : lj_code_name(code));
    tell_failed(engine, &fault);
    lj_store_close(engine->store);
    engine->store = NULL;
    return;
  }
  engine->opened = true;
  engine->look = true;
  engine->sweep = true;
  engine->set_back = true; /* perhaps while no worker ran */
  engine->repair_at_ms = now;
  engine->renew_at_ms = now + engine->config.lease_ms / 3;
  engine->recover_at_ms = now + engine->config.lease_ms / 3;
  engine->trim_at_ms = now + TRIM_MS;
  tell_ready(engine);
}
