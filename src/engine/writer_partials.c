/* SPDX-License-Identifier: MIT
 *
 * Progress and text so far of running jobs.
 */
#include "base/clock.h"
#include "base/json.h"
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

static int put_news(cJSON *list, const lj_run *run) {
  const lj_answer *answer = lj_response_answer(run->response);
  cJSON *item = cJSON_CreateObject();
  int code = item != NULL ? lj_json_put_number(item, "s", (double)run->job.seq) : LJ_NOMEM;
  if (code == LJ_OK) code = lj_json_put_string(item, "t", run->job.token);
  if (code == LJ_OK) code = lj_json_put_number(item, "p", lj_run_progress(run));
  /* What a filter has not seen yet stays inside. */
  bool may_leave = answer->text.length <= MAX_PARTIAL && !run->engine->config.content.on_answer;
  if (code == LJ_OK && may_leave) code = lj_json_put_string(item, "x", answer->text.data);
  if (code == LJ_OK) return lj_json_push_value(list, item);
  cJSON_Delete(item);
  return code;
}

/* Puts the news of the runs that have waited longest into `list`, and the runs at the end of theirs. *more: some are left. */
static int gather(lj_engine *engine, cJSON *list, bool *more) {
  int64_t now_ms = lj_mono_ms();
  size_t bytes = 0;
  int rows = 0;
  int code = LJ_OK;
  size_t left = engine->calling.count;
  *more = false;
  for (lj_run *run = engine->calling.first, *next; code == LJ_OK && run != NULL && left > 0; run = next, left--) {
    next = run->next;
    if (!has_news(run, now_ms)) continue;
    size_t length = lj_response_answer(run->response)->text.length;
    size_t written = length <= MAX_PARTIAL ? length : 0;
    if (rows == BATCH_ROWS || (rows > 0 && bytes + written > BATCH_BYTES)) {
      *more = true;
      break;
    }
    code = put_news(list, run);
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

int lj_writer_partials(lj_engine *engine, int64_t *wait_ms) {
  bool more = false;
  lj_buffer text;
  sqlite3_stmt *statement = NULL;
  cJSON *list = cJSON_CreateArray();
  int code = list != NULL ? LJ_OK : LJ_NOMEM;
  lj_buffer_init(&text, LJ_MAX_DATA_BYTES);
  if (code == LJ_OK) code = gather(engine, list, &more);
  *wait_ms = more ? STEP_MS : LJ_WRITER_PARTIAL_MS;
  if (code == LJ_OK) code = lj_json_print(list, &text);
  if (code == LJ_OK) code = lj_store_statement(engine->store, LJ_SQL_PROGRESS, &statement);
  if (code == LJ_OK) {
    int rc = sqlite3_bind_text(statement, 1, text.data, (int)text.length, SQLITE_STATIC);
    code = lj_store_code(engine->store, rc);
    if (code == LJ_OK)
      code = lj_store_run(engine->store, statement, NULL);
    else
      lj_store_release(statement);
  }
  lj_buffer_free(&text);
  cJSON_Delete(list);
  return code == LJ_NOMEM || code == LJ_TOO_BIG || code == LJ_REFUSED ? LJ_OK : code;
}
