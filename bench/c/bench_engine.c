/* SPDX-License-Identifier: MIT
 *
 * The whole engine without JavaScript, for profilers: perf sees names in this program, and callgrind counts its instructions.
 *
 *     bench_engine CONFIGURATION JOBS STREAM
 *
 * Adds JOBS rows of model "bench/m" to the database of the configuration (JSON; the table must be there), runs them all, and
 * prints the milliseconds from the engine's start to the last end.
 */
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "llmjobs.h"

static atomic_bool has_events;

static void die(const char *what) {
  fprintf(stderr, "bench_engine: %s\n", what);
  exit(1);
}

static void on_events(void *owner) {
  (void)owner;
  atomic_store(&has_events, true);
}

static void add_rows(const char *file, long jobs, const char *stream) {
  sqlite3 *db = NULL;
  if (sqlite3_open_v2(file, &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK) die(sqlite3_errmsg(db));
  char *sql = sqlite3_mprintf(
      "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) INSERT INTO llm_jobs (name, model, data) SELECT"
      " 'bench', 'bench/m', json_object('prompt', 'A question of some length, number ' || i, 'stream', json(%Q)) FROM n",
      (int)jobs, stream);
  if (sql == NULL || sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) die(sqlite3_errmsg(db));
  sqlite3_free(sql);
  (void)sqlite3_close(db);
}

/* How many jobs the events tell of as completed. */
static long completed_in(const char *text) {
  cJSON *events = NULL;
  const cJSON *event = NULL;
  const cJSON *job = NULL;
  long count = 0;
  if (lj_json_parse(text, strlen(text), &events) != LJ_OK) die("events that are no JSON");
  cJSON_ArrayForEach(event, events) {
    const char *channel = lj_json_string(event, "channel");
    if (channel != NULL && strcmp(channel, "worker:failed") == 0) die(text);
    cJSON_ArrayForEach(job, lj_json_get(lj_json_get(event, "payload"), "jobs")) {
      const char *status = lj_json_string(job, "status");
      if (status != NULL && strcmp(status, "completed") == 0) count++;
      if (status != NULL && strcmp(status, "failed") == 0) die(text);
    }
  }
  cJSON_Delete(events);
  return count;
}

int main(int count, char **arguments) {
  if (count != 4) die("usage: bench_engine CONFIGURATION JOBS STREAM");
  long jobs = strtol(arguments[2], NULL, 10);
  cJSON *config = NULL;
  lj_engine *engine = NULL;
  char *error = NULL;
  if (lj_json_parse(arguments[1], strlen(arguments[1]), &config) != LJ_OK) die("the configuration is no JSON");
  add_rows(lj_json_string(config, "database"), jobs, strcmp(arguments[3], "1") == 0 ? "true" : "false");
  cJSON_Delete(config);
  int64_t begun = lj_mono_ms();
  const lj_engine_options options = {.config = arguments[1], .on_events = on_events};
  if (lj_engine_start(&options, &engine, &error) != 0) die(error);
  for (long done = 0; done < jobs;) {
    char *events = NULL;
    lj_sleep_us(500);
    if (!atomic_exchange(&has_events, false)) continue;
    if (lj_engine_take(engine, &events) != 0) die("memory is short");
    if (events != NULL) done += completed_in(events);
    lj_engine_free_text(events);
  }
  printf("%lld\n", (long long)(lj_mono_ms() - begun));
  lj_engine_stop(engine);
  return 0;
}
