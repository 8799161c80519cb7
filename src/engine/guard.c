/* SPDX-License-Identifier: MIT
 *
 * What an app may do to its own file while the worker has it open: replace it (a restored backup), take a column away (a
 * migration), or ask for it (worker:release). What a disk may do to it: damage a page. The engine then touches nothing, says so
 * once, keeps the answers that have come, and goes on when it can. What was held in a file that is gone is settled by the fence:
 * a row that is not there, or not ours, takes nothing.
 */
#include <stdio.h>

#include "base/clock.h"
#include "base/json.h"
#include "engine/state.h"
#include "queue/schema.h"
#include "queue/unusable.h"

enum { CHECK_MS = 500, BUSY_MS = 10, DAMAGED_MS = 2000 };

static void tell(lj_engine *engine, const char *channel, int code, const char *message) {
  cJSON *payload = cJSON_CreateObject();
  int built = payload != NULL ? LJ_OK : LJ_NOMEM;
  if (built == LJ_OK && code != LJ_OK) built = lj_json_put_string(payload, "code", lj_code_name(code));
  if (built == LJ_OK) built = lj_json_put_string(payload, "message", message);
  if (built != LJ_OK) {
    cJSON_Delete(payload);
    payload = NULL;
  }
  lj_outbox_post(&engine->outbox, NULL, channel, payload);
}

static void suspend(lj_engine *engine, lj_suspension why, int code, const char *message) {
  engine->suspended = why;
  engine->suspended_check_ms = lj_mono_ms() + CHECK_MS;
  lj_log_write(&engine->log, LJ_LOG_WARN, "%s: %s", lj_code_name(code), message);
  tell(engine, "worker:suspended", code, message);
}

static void go_on(lj_engine *engine, const char *message) {
  engine->suspended = LJ_SUSPENDED_NOT;
  engine->look = true;
  engine->sweep = true;
  engine->requests.look_at_all = true;
  lj_gap_end(&engine->gap);
  engine->renew_at_ms = lj_mono_ms();
  engine->repair_at_ms = engine->renew_at_ms;
  lj_log_write(&engine->log, LJ_LOG_INFO, "%s", message);
  tell(engine, "worker:resumed", LJ_OK, message);
}

bool lj_guard_moved(lj_engine *engine) {
  bool moved = false;
  if (lj_store_moved(engine->store, &moved) != LJ_OK || !moved) return false;
  lj_store_close(engine->store);
  engine->store = NULL;
  suspend(engine, LJ_SUSPENDED_MOVED, LJ_DB_MOVED,
          "the database file was moved or replaced under the worker; nothing is written to the old one. The worker goes on with "
          "the file at its path as soon as there is one; worker:release before a restore avoids this");
  return true;
}

static bool is_damage(const lj_store *store) {
  int primary = store->trouble & 0xff;
  return primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB;
}

/* Nothing is written into a file that is damaged: that could only make it worse. */
static void suspend_damaged(lj_engine *engine) {
  lj_fault fault;
  int code = lj_unusable_explain(engine->config.database, SQLITE_CORRUPT, engine->store->trouble_words, &fault);
  lj_store_close(engine->store);
  engine->store = NULL;
  suspend(engine, LJ_SUSPENDED_DAMAGED, code, fault.message);
  engine->suspended_check_ms = lj_mono_ms() + DAMAGED_MS;
}

void lj_guard_diagnose(lj_engine *engine) {
  const char *missing = NULL;
  char message[256];
  if (is_damage(engine->store)) {
    suspend_damaged(engine);
    return;
  }
  lj_store_refresh(engine->store);
  if (lj_schema_missing(engine->store, &missing) != LJ_OK || missing == NULL) return;
  (void)snprintf(message, sizeof message,
                 "table llm_jobs has no column %s any more (or is gone); the worker waits until it is back. new Queue(db) adds what "
                 "SQLite can add",
                 missing);
  suspend(engine, LJ_SUSPENDED_SCHEMA, LJ_DB_SCHEMA, message);
}

static void reopen(lj_engine *engine, int64_t now_ms) {
  lj_fault fault;
  int code = lj_store_open(engine->config.database, &engine->log, &engine->store, &fault);
  if (code == LJ_OK) {
    go_on(engine, "the database is open again");
    return;
  }
  int wait = engine->suspended == LJ_SUSPENDED_DAMAGED ? DAMAGED_MS : CHECK_MS;
  engine->suspended_check_ms = now_ms + (code == LJ_BUSY ? BUSY_MS : wait);
}

void lj_guard_turn(lj_engine *engine, int64_t now_ms) {
  const char *missing = NULL;
  if (now_ms < engine->suspended_check_ms) return;
  engine->suspended_check_ms = now_ms + CHECK_MS;
  switch (engine->suspended) {
    case LJ_SUSPENDED_MOVED:
    case LJ_SUSPENDED_DAMAGED:
    case LJ_SUSPENDED_REOPENING:
      reopen(engine, now_ms);
      break;
    case LJ_SUSPENDED_SCHEMA:
      lj_store_refresh(engine->store);
      if (lj_guard_moved(engine)) break;
      if (lj_schema_missing(engine->store, &missing) == LJ_OK && missing == NULL) go_on(engine, "table llm_jobs is whole again");
      break;
    default:
      break;
  }
}

void lj_guard_release(lj_engine *engine) {
  lj_store_close(engine->store);
  engine->store = NULL;
  engine->suspended = LJ_SUSPENDED_RELEASED;
}

void lj_guard_reopen(lj_engine *engine) {
  if (engine->suspended != LJ_SUSPENDED_RELEASED) return;
  engine->suspended = LJ_SUSPENDED_REOPENING;
  engine->suspended_check_ms = 0;
}
