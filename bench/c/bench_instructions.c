/* SPDX-License-Identifier: MIT
 *
 * The whole engine without JavaScript, for callgrind: a run in which nothing depends on time (virtual_network.h).
 *
 *     bench_instructions DATABASE ANSWER CONCURRENCY WARM JOBS STREAM FIRST_US STEP_US SHIFT_US
 *
 * Makes the database, adds more jobs than are done, and runs them; each gets the HTTP answer that the file ANSWER holds. Calls
 * bench_begin when WARM jobs have ended and ends in bench_end when JOBS more have: callgrind counts from the one to the other,
 * with the same number of jobs under way at both ends.
 */
#include <semaphore.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "engine/state.h"
#include "virtual_network.h"

enum { MAX_ANSWER = 1 << 20 };

static _Atomic(lj_engine *) the_engine;
static sem_t never;
static uint64_t warm;
static uint64_t jobs;
static bool begun;
static uint64_t turns_before;
static uint64_t writes_before;

static void die(const char *what) {
  fprintf(stderr, "bench_instructions: %s\n", what);
  _exit(1);
}

/* Names for callgrind's options. */
__attribute__((noinline)) static void bench_begin(void) { __asm__ volatile(""); }

__attribute__((noinline)) static void bench_end(const lj_engine *engine) {
  if (engine->counters.failed + engine->counters.retried + engine->counters.stale > 0) die("a job has failed");
  printf("{\"jobs\":%llu,\"turns\":%llu,\"writes\":%llu,\"versions\":%s}\n", (unsigned long long)(engine->counters.completed - warm),
         (unsigned long long)(engine->counters.turns - turns_before), (unsigned long long)(engine->counters.writes - writes_before),
         lj_engine_versions());
  (void)fflush(stdout);
  _exit(0);
}

/* The app's side: events are taken at once. */
static void vn_before_sleep(void) {
  lj_engine *engine = atomic_load(&the_engine);
  char *events = NULL;
  if (engine == NULL) return;
  if (begun && engine->counters.completed >= warm + jobs) bench_end(engine);
  if (lj_engine_take(engine, &events) != 0) die("memory is short");
  if (events != NULL && strstr(events, "worker:failed") != NULL) die(events);
  lj_engine_free_text(events);
  if (!begun && engine->counters.completed >= warm) {
    begun = true;
    /* A wave that was larger than WARM counts as part of it. */
    warm = engine->counters.completed;
    turns_before = engine->counters.turns;
    writes_before = engine->counters.writes;
    bench_begin();
  }
}

static size_t vn_awaited(void) {
  const lj_engine *engine = atomic_load(&the_engine);
  return engine != NULL ? engine->calling.count : 0;
}

static void on_events(void *owner) { (void)owner; }

static void make_database(const char *file, uint64_t rows, const char *stream) {
  sqlite3 *db = NULL;
  sqlite3_stmt *insert = NULL;
  lj_store *store = NULL;
  lj_fault fault;
  lj_log log = {.level = LJ_LOG_ERROR};
  lj_fault_clear(&fault);
  if (sqlite3_open(file, &db) != SQLITE_OK || sqlite3_exec(db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL) != SQLITE_OK)
    die(sqlite3_errmsg(db));
  if (lj_store_open(file, &log, &store, &fault) != LJ_OK) die(fault.message);
  lj_store_close(store);
  static const char sql[] =
      "INSERT INTO llm_jobs (id, name, model, data, created_at) VALUES (printf('%016x%016x', ?1, ?2), 'bench', 'bench/m',"
      " json_object('prompt', printf('A question of some length, number %06d', ?3), 'stream', json(?4)), 1790000000000 + ?3)";
  if (sqlite3_exec(db, "BEGIN", NULL, NULL, NULL) != SQLITE_OK || sqlite3_prepare_v2(db, sql, -1, &insert, NULL) != SQLITE_OK)
    die(sqlite3_errmsg(db));
  for (uint64_t i = 0; i < rows; i++) {
    (void)sqlite3_bind_int64(insert, 1, (sqlite3_int64)vn_mix(2 * i));
    (void)sqlite3_bind_int64(insert, 2, (sqlite3_int64)vn_mix(2 * i + 1));
    (void)sqlite3_bind_int64(insert, 3, (sqlite3_int64)i);
    (void)sqlite3_bind_text(insert, 4, stream, -1, SQLITE_STATIC);
    if (sqlite3_step(insert) != SQLITE_DONE || sqlite3_reset(insert) != SQLITE_OK) die(sqlite3_errmsg(db));
  }
  (void)sqlite3_finalize(insert);
  if (sqlite3_exec(db, "COMMIT; PRAGMA wal_checkpoint(TRUNCATE)", NULL, NULL, NULL) != SQLITE_OK) die(sqlite3_errmsg(db));
  if (sqlite3_close(db) != SQLITE_OK) die("the database stays open");
}

static const char *read_answer(const char *name, size_t *length) {
  static char text[MAX_ANSWER];
  FILE *file = fopen(name, "rb");
  *length = file != NULL ? fread(text, 1, sizeof text, file) : 0;
  if (*length == 0 || *length == sizeof text) die("the answer can't be read");
  (void)fclose(file);
  return text;
}

int main(int count, char **arguments) {
  char config[512];
  char *error = NULL;
  lj_engine *engine = NULL;
  if (count != 10)
    die("usage: bench_instructions DATABASE ANSWER CONCURRENCY WARM JOBS STREAM FIRST_US STEP_US SHIFT_US");
  const char *file = arguments[1];
  uint64_t concurrency = strtoull(arguments[3], NULL, 10);
  warm = strtoull(arguments[4], NULL, 10);
  jobs = strtoull(arguments[5], NULL, 10);
  vn_answer answer = {.first_us = atoll(arguments[7]), .step_us = atoll(arguments[8]), .shift_us = atoll(arguments[9])};
  answer.bytes = read_answer(arguments[2], &answer.length);
  make_database(file, warm + jobs + 3 * concurrency, strcmp(arguments[6], "1") == 0 ? "true" : "false");
  (void)snprintf(config, sizeof config,
                 "{\"database\":\"%s\",\"workerId\":\"bench\",\"concurrency\":%llu,\"logLevel\":\"error\",\"providers\":{\"bench\":{\"kind\":"
                 "\"openai-compatible\",\"baseUrl\":\"http://127.0.0.1:%d/v1\"}}}",
                 file, (unsigned long long)concurrency, vn_open(answer));
  const lj_engine_options options = {.config = config, .on_events = on_events};
  if (lj_engine_start(&options, &engine, &error) != 0) die(error);
  atomic_store(&the_engine, engine);
  /* The engine's thread ends the process. */
  if (sem_init(&never, 0, 0) != 0) die("no semaphore");
  for (;;) (void)sem_wait(&never);
}
