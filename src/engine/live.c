/* SPDX-License-Identifier: MIT
 *
 * worker:subscribe: whose text is told while it streams.
 *
 * A subscriber of one job may come late. Its answer holds all text that the job has brought so far, and what was told before goes
 * out before the answer: so the events behind it begin exactly where its text ends.
 */
#include <string.h>

#include "base/json.h"
#include "engine/state.h"

enum { MAX_TEXT = LJ_MAX_EVENT_BYTES / 8 /* of an answer: escapes can make it six times as long */ };

static lj_run *find_run(const lj_run_list *list, const char *id) {
  for (lj_run *run = list->first; run != NULL; run = run->next)
    if (strcmp(run->job.id, id) == 0) return run;
  return NULL;
}

static lj_run *run_of(const lj_engine *engine, const char *id) {
  lj_run *run = find_run(&engine->calling, id);
  if (run == NULL) run = find_run(&engine->ended, id);
  return run != NULL ? run : find_run(&engine->refused, id);
}

bool lj_live_any(const lj_engine *engine) { return engine->tokens || engine->followed.count > 0; }

bool lj_live_wants(const lj_run *run) { return run->engine->tokens || run->followed; }

bool lj_live_follows(const lj_engine *engine, const char *id) {
  return engine->followed.count > 0 && lj_names_have(&engine->followed, id);
}

void lj_live_ended(const lj_run *run) {
  if (run->followed) lj_names_remove(&run->engine->followed, run->job.id);
}

/* What nobody wants any more is not told later either. */
static void forget_fresh(const lj_run_list *list) {
  for (lj_run *run = list->first; run != NULL; run = run->next)
    if (!lj_live_wants(run)) lj_buffer_clear(&run->fresh);
}

static void answer(lj_engine *engine, const lj_asked *asked, bool tokens, const char *text) {
  cJSON *payload = cJSON_CreateObject();
  int code = payload != NULL ? lj_json_put_bool(payload, "tokens", tokens) : LJ_NOMEM;
  if (code == LJ_OK && text != NULL) code = lj_json_put_string(payload, "text", text);
  if (code != LJ_OK) {
    cJSON_Delete(payload);
    payload = NULL;
  }
  lj_asked_answer(engine, asked, payload);
}

static void follow(lj_engine *engine, const lj_asked *asked, const char *id) {
  lj_run *run = run_of(engine, id);
  /* What a filter has not seen yet stays inside. */
  bool readable = run != NULL && run->response != NULL && !engine->config.content.on_answer;
  const lj_buffer *text = readable ? &lj_response_answer(run->response)->text : NULL;
  if (text != NULL && text->length > MAX_TEXT) {
    lj_asked_refuse(engine, asked, LJ_TOO_BIG, "the job's text so far is too long for a message; it is in the row when the job has ended");
    return;
  }
  int code = lj_names_add(&engine->followed, id);
  if (code != LJ_OK) {
    lj_asked_refuse(engine, asked, code, "too many jobs are followed; let go of some, or subscribe to all with {tokens: true}");
    return;
  }
  if (run != NULL) {
    lj_run_tell(run);
    run->followed = true;
    run->told = run->told || (text != NULL && text->length > 0);
  }
  lj_outbox_tokens_first(&engine->outbox);
  answer(engine, asked, true, text != NULL ? text->data : "");
}

static void unfollow(lj_engine *engine, const lj_asked *asked, const char *id) {
  lj_run *run = run_of(engine, id);
  lj_names_remove(&engine->followed, id);
  if (run != NULL) run->followed = false;
  forget_fresh(&engine->calling);
  answer(engine, asked, false, "");
}

void lj_live_subscribe(lj_engine *engine, const lj_asked *asked) {
  const cJSON *job = lj_json_get(asked->payload, "jobId");
  const char *id = lj_json_string(asked->payload, "jobId");
  bool tokens = lj_json_bool(asked->payload, "tokens", false);
  bool valid = cJSON_IsBool(lj_json_get(asked->payload, "tokens")) && (job == NULL || (id != NULL && *id != '\0'));
  if (!valid) {
    lj_asked_refuse(engine, asked, LJ_INVALID, "worker:subscribe needs {tokens: true} or {tokens: false}, and for one job its jobId");
  } else if (id != NULL && tokens) {
    follow(engine, asked, id);
  } else if (id != NULL) {
    unfollow(engine, asked, id);
  } else {
    engine->tokens = tokens;
    forget_fresh(&engine->calling);
    answer(engine, asked, tokens, NULL);
  }
}
