/* SPDX-License-Identifier: MIT */
#include "engine/verdict.h"

#include <string.h>

#include "base/clock.h"
#include "base/json_text.h"
#include "base/limits.h"
#include "base/memory.h"
#include "base/random.h"
#include "provider/request.h"

void lj_verdict_decide(lj_run *run, int code, bool stopping) {
  run->code = code;
  run->ended_us = lj_mono_us();
  run->ended_at = lj_wall_ms();
  run->at = run->ended_at;
  if (code == LJ_OK) {
    run->end = LJ_END_COMPLETE;
    return;
  }
  if (stopping) {
    run->end = LJ_END_RELEASE;
    return;
  }
  switch (lj_code_class(code)) {
    case LJ_CLASS_LANE:
    case LJ_CLASS_INTERNAL: /* interrupted, or short of memory: not the job's doing */
      run->end = LJ_END_RELEASE;
      break;
    case LJ_CLASS_TRANSIENT:
      if (run->job.attempts < run->job.max_attempts) {
        int64_t wait = run->fault.retry_after_ms;
        if (wait < 0) wait = lj_backoff_wait(&run->backoff, run->job.attempts, lj_random_unit());
        run->end = LJ_END_RETRY;
        run->at = run->ended_at + wait;
        break;
      }
      run->end = LJ_END_FAIL;
      break;
    case LJ_CLASS_TARGET:
      run->end = run->later ? LJ_END_RELEASE : LJ_END_FAIL;
      break;
    case LJ_CLASS_VERDICT:
      run->end = LJ_END_CANCEL;
      break;
    default:
      run->end = LJ_END_FAIL;
      break;
  }
}

void lj_verdict_supersede(lj_run *run) {
  lj_fault_set(&run->fault, LJ_SUPERSEDED, "a newer job with its supersede_key takes its place; the last try ended with %s",
               lj_code_name(run->code));
  run->code = LJ_SUPERSEDED;
  run->end = LJ_END_CANCEL;
  run->at = run->ended_at;
  lj_free(run->json);
  run->json = NULL;
}

static const lj_target *target_of(const lj_run *run) {
  return run->target < run->route.count ? &run->route.targets[run->target] : NULL;
}

static int write_timing(const lj_run *run, lj_buffer *out) {
  int code = lj_json_text_open(out, "timing", '{');
  /* A delayed job is not queued before its time. */
  int64_t ready = run->job.run_at > run->job.created_at ? run->job.run_at : run->job.created_at;
  if (code == LJ_OK && ready > 0 && run->processed_on >= ready)
    code = lj_json_text_number(out, "queuedMs", run->processed_on - ready);
  if (code == LJ_OK && run->first_token_us > 0)
    code = lj_json_text_number(out, "firstTokenMs", (run->first_token_us - run->started_us) / 1000);
  if (code == LJ_OK) code = lj_json_text_number(out, "totalMs", (run->ended_us - run->started_us) / 1000);
  return code == LJ_OK ? lj_json_text_close(out, '}') : code;
}

static int write_result(const lj_run *run, lj_buffer *out) {
  const lj_target *target = target_of(run);
  cJSON *own = NULL;
  int code = LJ_OK;
  if (run->result == NULL) code = lj_answer_json(lj_response_answer(run->response), lj_request_wants_object(run->request), &own);
  const cJSON *answer = own != NULL ? own : run->result;
  if (code == LJ_OK) code = lj_json_print(answer, out);
  if (code == LJ_OK) lj_buffer_truncate(out, out->length - 1); /* its closing bracket: more follows */
  if (code == LJ_OK) code = lj_json_text_string(out, "provider", target->provider->name);
  if (code == LJ_OK && lj_json_get(answer, "model") == NULL) code = lj_json_text_string(out, "model", target->model);
  const lj_target *first = run->route.targets;
  bool has_fallback = !lj_target_same(first, &first[run->route.count - 1]);
  if (code == LJ_OK && has_fallback) code = lj_json_text_bool(out, "fallbackUsed", !lj_target_same(first, target));
  if (code == LJ_OK) code = write_timing(run, out);
  cJSON_Delete(own);
  return code == LJ_OK ? lj_json_text_close(out, '}') : code;
}

/* What other workers need to know to spare the lane. */
static int write_shared(const lj_run *run, lj_buffer *out) {
  const lj_target *target = target_of(run);
  int code = LJ_OK;
  if (target != NULL && target->key > 0) code = lj_json_text_number(out, "key", (int64_t)target->key + 1);
  if (code == LJ_OK && run->retry_at > 0) code = lj_json_text_number(out, "retryAt", run->retry_at);
  return code;
}

static int write_target(const lj_run *run, lj_buffer *out) {
  const lj_target *target = target_of(run);
  int code = target != NULL ? lj_json_text_string(out, "provider", target->provider->name) : LJ_OK;
  return code == LJ_OK && target != NULL ? lj_json_text_string(out, "model", target->model) : code;
}

static int write_error(const lj_run *run, lj_buffer *out) {
  int code = lj_json_text_open(out, NULL, '{');
  if (code == LJ_OK) code = lj_json_text_string(out, "code", lj_code_name(run->code));
  if (code == LJ_OK) code = lj_json_text_string(out, "message", run->fault.message);
  if (code == LJ_OK) code = write_target(run, out);
  if (code == LJ_OK && run->fault.http_status > 0) code = lj_json_text_number(out, "status", run->fault.http_status);
  if (code == LJ_OK) code = lj_json_text_number(out, "attempt", run->job.attempts);
  if (code == LJ_OK) code = lj_json_text_number(out, "at", run->ended_at);
  if (code == LJ_OK) code = write_shared(run, out);
  return code == LJ_OK ? lj_json_text_close(out, '}') : code;
}

static int write_usage(const lj_run *run, lj_buffer *out) {
  cJSON *usage = run->response != NULL ? lj_usage_json(&lj_response_answer(run->response)->usage) : NULL;
  int code = run->response != NULL && usage == NULL ? LJ_NOMEM : LJ_OK;
  if (usage != NULL && usage->child != NULL) code = lj_json_text_value(out, "usage", usage);
  cJSON_Delete(usage);
  return code;
}

static int write_try(const lj_run *run, lj_buffer *out) {
  int code = lj_json_text_open(out, NULL, '{');
  if (code == LJ_OK) code = lj_json_text_number(out, "attempt", run->job.attempts);
  if (code == LJ_OK) code = write_target(run, out);
  if (code == LJ_OK) code = lj_json_text_number(out, "startedAt", run->begun_wall);
  if (code == LJ_OK) code = lj_json_text_number(out, "endedAt", run->ended_at);
  if (code == LJ_OK && run->code != LJ_OK) code = lj_json_text_string(out, "code", lj_code_name(run->code));
  if (code == LJ_OK) code = write_shared(run, out);
  if (code == LJ_OK && run->remote.lost[0] != '\0') code = lj_json_text_string(out, "lost", run->remote.lost);
  if (code == LJ_OK) code = write_usage(run, out);
  return code == LJ_OK ? lj_json_text_close(out, '}') : code;
}

/* What `write` writes; the caller frees *out. */
static int write_text(int (*write)(const lj_run *run, lj_buffer *out), const lj_run *run, size_t ceiling, char **out) {
  lj_buffer text;
  lj_buffer_init(&text, ceiling);
  int code = write(run, &text);
  if (code == LJ_OK) {
    *out = lj_buffer_take(&text);
    code = *out != NULL ? LJ_OK : LJ_NOMEM;
  }
  lj_buffer_free(&text);
  return code;
}

/* The row's history with this try behind it, cut to the last LJ_MAX_HISTORY. A history that somebody has spoilt is begun
 * anew: it is a record, nothing depends on it. */
static int write_history(const lj_run *run, lj_buffer *out) {
  const char *before = run->tried != NULL ? run->tried : run->job.history;
  cJSON *list = NULL;
  int code = before != NULL ? lj_json_parse(before, strlen(before), &list) : LJ_OK;
  if (code == LJ_NOMEM) return code;
  code = lj_json_text_open(out, NULL, '[');
  int past = cJSON_IsArray(list) ? cJSON_GetArraySize(list) : 0;
  const cJSON *entry = past > 0 ? list->child : NULL;
  for (; entry != NULL && past >= LJ_MAX_HISTORY; past--) entry = entry->next;
  for (; code == LJ_OK && entry != NULL; entry = entry->next) code = lj_json_text_value(out, NULL, entry);
  if (code == LJ_OK) code = write_try(run, out);
  cJSON_Delete(list);
  return code == LJ_OK ? lj_json_text_close(out, ']') : code;
}

int lj_verdict_history(const lj_run *run, char **out) { return write_text(write_history, run, LJ_MAX_COMMAND_BYTES, out); }

int lj_verdict_build(lj_run *run) {
  int code = LJ_OK;
  /* An interruption is no trouble of the job: the row keeps the error that it had. */
  bool told = run->end != LJ_END_RELEASE || lj_code_class(run->code) != LJ_CLASS_INTERNAL;
  /* Escapes can make a text up to six times as long. */
  if (run->json == NULL && told)
    code = write_text(run->end == LJ_END_COMPLETE ? write_result : write_error, run, (size_t)LJ_MAX_TEXT_BYTES * 8, &run->json);
  /* A try that does not count leaves no entry: a worker that is restarted again and again would push the real ones out. */
  if (code == LJ_OK && run->history == NULL && run->end != LJ_END_RELEASE) code = lj_verdict_history(run, &run->history);
  if (code == LJ_OK && run->history == NULL && run->job.history != NULL) {
    run->history = lj_strdup(run->job.history);
    code = run->history != NULL ? LJ_OK : LJ_NOMEM;
  }
  return code == LJ_TOO_BIG ? LJ_NOMEM : code;
}
