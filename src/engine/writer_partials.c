/* SPDX-License-Identifier: MIT
 *
 * Progress and text so far of running jobs.
 */
#include "base/clock.h"
#include "engine/writer.h"

enum {
  MAX_PARTIAL = 262144, /* bytes of text so far in a row; a longer one is not written until it is whole */
  /* What one transaction takes on, so that a thousand streams hold the lock no longer than one. */
  BATCH_ROWS = 32,
  BATCH_BYTES = 32768,
  STEP_MS = 50 /* between two transactions while more streams wait for their turn than one takes on */
};

/* A job that ends sooner than a partial text would be written needs none. */
static bool has_news(const lj_run *run, int64_t now_ms) {
  if (now_ms - run->partial_ms < LJ_WRITER_PARTIAL_MS) return false;
  const lj_answer *answer = run->response != NULL ? lj_response_answer(run->response) : NULL;
  return answer != NULL && (answer->text.length != run->partial_length || lj_run_progress(run) != run->partial_progress);
}

/* Those written last are at the list's end, so the first ones tell. */
bool lj_writer_has_news(const lj_engine *engine) {
  int64_t now_ms = lj_mono_ms();
  for (const lj_run *run = engine->calling.first; run != NULL; run = run->next)
    if (has_news(run, now_ms)) return true;
  return false;
}

static int bind_news(sqlite3_stmt *statement, const lj_run *run) {
  const lj_answer *answer = lj_response_answer(run->response);
  /* What a filter has not seen yet stays inside. */
  bool may_leave = answer->text.length <= MAX_PARTIAL && !run->engine->config.content.on_answer;
  int rc = sqlite3_bind_int(statement, 1, lj_run_progress(run));
  if (rc == SQLITE_OK && may_leave) rc = sqlite3_bind_text(statement, 2, answer->text.data, (int)answer->text.length, SQLITE_STATIC);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(statement, 3, run->job.seq);
  return rc == SQLITE_OK ? sqlite3_bind_text(statement, 4, run->job.token, -1, SQLITE_STATIC) : rc;
}

/* Of one run. Where the app's own trigger refuses it, or memory is short, the row waits for the next piece or the end. */
static int write_news(lj_store *store, const lj_run *run) {
  sqlite3_stmt *statement = NULL;
  int code = lj_store_statement(store, LJ_SQL_PROGRESS, &statement);
  if (code == LJ_OK) {
    code = lj_store_code(store, bind_news(statement, run));
    if (code == LJ_OK)
      code = lj_store_run(store, statement, NULL);
    else
      lj_store_release(statement);
  }
  return code == LJ_NOMEM || code == LJ_REFUSED ? LJ_OK : code;
}

/* Writes the news of the runs that have waited longest, and puts these at the end of their list. */
int lj_writer_partials(lj_engine *engine, int64_t *wait_ms) {
  int64_t now_ms = lj_mono_ms();
  size_t bytes = 0;
  int rows = 0;
  int code = LJ_OK;
  size_t left = engine->calling.count;
  *wait_ms = LJ_WRITER_PARTIAL_MS;
  for (lj_run *run = engine->calling.first, *next; code == LJ_OK && run != NULL && left > 0; run = next, left--) {
    next = run->next;
    if (!has_news(run, now_ms)) continue;
    size_t length = lj_response_answer(run->response)->text.length;
    size_t written = length <= MAX_PARTIAL ? length : 0;
    if (rows == BATCH_ROWS || (rows > 0 && bytes + written > BATCH_BYTES)) {
      *wait_ms = STEP_MS;
      break;
    }
    code = write_news(engine->store, run);
    bytes += written;
    rows++;
    run->partial_length = length;
    run->partial_progress = lj_run_progress(run);
    run->partial_ms = now_ms;
    lj_run_list_remove(&engine->calling, run);
    lj_run_list_add(&engine->calling, run);
  }
  return code;
}
