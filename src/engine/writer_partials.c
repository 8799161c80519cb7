/* SPDX-License-Identifier: MIT
 *
 * Progress and text so far of running jobs.
 */
#include "base/clock.h"
#include "base/json.h"
#include "engine/writer.h"

enum { MAX_PARTIAL = 262144 /* bytes of text so far in a row; a longer one is not written until it is whole */ };

/* A job that ends sooner than a partial text would be written needs none. */
static bool has_news(const lj_run *run) {
  if (lj_mono_us() - run->started_us < (int64_t)LJ_WRITER_PARTIAL_MS * 1000) return false;
  const lj_answer *answer = run->response != NULL ? lj_response_answer(run->response) : NULL;
  return answer != NULL && (answer->text.length != run->partial_length || lj_run_progress(run) != run->partial_progress);
}

bool lj_writer_has_news(const lj_engine *engine) {
  for (const lj_run *run = engine->calling.first; run != NULL; run = run->next)
    if (has_news(run)) return true;
  return false;
}

static int put_news(cJSON *list, lj_run *run) {
  const lj_answer *answer = lj_response_answer(run->response);
  cJSON *item = cJSON_CreateObject();
  int code = item != NULL ? lj_json_put_number(item, "s", (double)run->job.seq) : LJ_NOMEM;
  if (code == LJ_OK) code = lj_json_put_string(item, "t", run->job.token);
  if (code == LJ_OK) code = lj_json_put_number(item, "p", lj_run_progress(run));
  if (code == LJ_OK && answer->text.length <= MAX_PARTIAL) code = lj_json_put_string(item, "x", answer->text.data);
  if (code == LJ_OK) {
    run->partial_length = answer->text.length;
    run->partial_progress = lj_run_progress(run);
    return lj_json_push_value(list, item);
  }
  cJSON_Delete(item);
  return code;
}

int lj_writer_partials(lj_engine *engine) {
  lj_buffer text;
  sqlite3_stmt *statement = NULL;
  cJSON *list = cJSON_CreateArray();
  int code = list != NULL ? LJ_OK : LJ_NOMEM;
  lj_buffer_init(&text, LJ_MAX_DATA_BYTES);
  for (lj_run *run = engine->calling.first; code == LJ_OK && run != NULL; run = run->next)
    if (has_news(run)) code = put_news(list, run);
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
