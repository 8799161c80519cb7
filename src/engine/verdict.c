/* SPDX-License-Identifier: MIT */
#include "engine/verdict.h"

#include <string.h>

#include "base/clock.h"
#include "base/json.h"
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

static int put_timing(cJSON *result, const lj_run *run) {
  cJSON *timing = cJSON_CreateObject();
  int code = timing != NULL ? LJ_OK : LJ_NOMEM;
  /* A delayed job is not queued before its time. */
  int64_t ready = run->job.run_at > run->job.created_at ? run->job.run_at : run->job.created_at;
  if (code == LJ_OK && ready > 0 && run->processed_on >= ready)
    code = lj_json_put_number(timing, "queuedMs", (double)(run->processed_on - ready));
  if (code == LJ_OK && run->first_token_us > 0)
    code = lj_json_put_number(timing, "firstTokenMs", (double)((run->first_token_us - run->started_us) / 1000));
  if (code == LJ_OK) code = lj_json_put_number(timing, "totalMs", (double)((run->ended_us - run->started_us) / 1000));
  if (code == LJ_OK) return lj_json_put_value(result, "timing", timing);
  cJSON_Delete(timing);
  return code;
}

static int build_result(const lj_run *run, cJSON **out) {
  const lj_target *target = target_of(run);
  cJSON *result = NULL;
  int code = LJ_OK;
  if (run->result != NULL) { /* a copy: this may have to be done again when memory is short */
    result = cJSON_Duplicate(run->result, 1);
    code = result != NULL ? LJ_OK : LJ_NOMEM;
  } else {
    code = lj_answer_json(lj_response_answer(run->response), lj_request_wants_object(run->request), &result);
  }
  if (code == LJ_OK) code = lj_json_put_string(result, "provider", target->provider->name);
  if (code == LJ_OK && lj_json_get(result, "model") == NULL) code = lj_json_put_string(result, "model", target->model);
  const lj_target *first = run->route.targets;
  bool has_fallback = !lj_target_same(first, &first[run->route.count - 1]);
  if (code == LJ_OK && has_fallback) code = lj_json_put_bool(result, "fallbackUsed", !lj_target_same(first, target));
  if (code == LJ_OK) code = put_timing(result, run);
  if (code != LJ_OK) {
    cJSON_Delete(result);
    result = NULL;
  }
  *out = result;
  return code;
}

/* What other workers need to know to spare the lane. */
static int put_shared(cJSON *object, const lj_run *run) {
  const lj_target *target = target_of(run);
  int code = LJ_OK;
  if (target != NULL && target->key > 0) code = lj_json_put_number(object, "key", (double)(target->key + 1));
  if (code == LJ_OK && run->retry_at > 0) code = lj_json_put_number(object, "retryAt", (double)run->retry_at);
  return code;
}

static int build_error(const lj_run *run, cJSON **out) {
  const lj_target *target = target_of(run);
  cJSON *error = cJSON_CreateObject();
  int code = error != NULL ? LJ_OK : LJ_NOMEM;
  if (code == LJ_OK) code = lj_json_put_string(error, "code", lj_code_name(run->code));
  if (code == LJ_OK) code = lj_json_put_string(error, "message", run->fault.message);
  if (code == LJ_OK && target != NULL) code = lj_json_put_string(error, "provider", target->provider->name);
  if (code == LJ_OK && target != NULL) code = lj_json_put_string(error, "model", target->model);
  if (code == LJ_OK && run->fault.http_status > 0) code = lj_json_put_number(error, "status", run->fault.http_status);
  if (code == LJ_OK) code = lj_json_put_number(error, "attempt", (double)run->job.attempts);
  if (code == LJ_OK) code = lj_json_put_number(error, "at", (double)run->ended_at);
  if (code == LJ_OK) code = put_shared(error, run);
  if (code != LJ_OK) {
    cJSON_Delete(error);
    error = NULL;
  }
  *out = error;
  return code;
}

static int build_try(const lj_run *run, cJSON **out) {
  const lj_target *target = target_of(run);
  const lj_answer *answer = run->response != NULL ? lj_response_answer(run->response) : NULL;
  cJSON *entry = cJSON_CreateObject();
  int code = entry != NULL ? LJ_OK : LJ_NOMEM;
  if (code == LJ_OK) code = lj_json_put_number(entry, "attempt", (double)run->job.attempts);
  if (code == LJ_OK && target != NULL) code = lj_json_put_string(entry, "provider", target->provider->name);
  if (code == LJ_OK && target != NULL) code = lj_json_put_string(entry, "model", target->model);
  if (code == LJ_OK) code = lj_json_put_number(entry, "startedAt", (double)run->begun_wall);
  if (code == LJ_OK) code = lj_json_put_number(entry, "endedAt", (double)run->ended_at);
  if (code == LJ_OK && run->code != LJ_OK) code = lj_json_put_string(entry, "code", lj_code_name(run->code));
  if (code == LJ_OK) code = put_shared(entry, run);
  if (code == LJ_OK && run->remote.lost[0] != '\0') code = lj_json_put_string(entry, "lost", run->remote.lost);
  if (code == LJ_OK && answer != NULL) {
    cJSON *usage = lj_usage_json(&answer->usage);
    if (usage != NULL && usage->child == NULL)
      cJSON_Delete(usage);
    else
      code = lj_json_put_value(entry, "usage", usage);
  }
  if (code != LJ_OK) {
    cJSON_Delete(entry);
    entry = NULL;
  }
  *out = entry;
  return code;
}

static int print(const cJSON *value, size_t ceiling, char **out) {
  lj_buffer text;
  lj_buffer_init(&text, ceiling);
  int code = lj_json_print(value, &text);
  if (code == LJ_OK) {
    *out = lj_buffer_take(&text);
    code = *out != NULL ? LJ_OK : LJ_NOMEM;
  }
  lj_buffer_free(&text);
  return code;
}

/* The row's history with this try behind it, cut to the last LJ_MAX_HISTORY. A history that somebody has spoilt is begun
 * anew: it is a record, nothing depends on it. */
int lj_verdict_history(const lj_run *run, char **out) {
  const char *before = run->tried != NULL ? run->tried : run->job.history;
  cJSON *list = NULL;
  cJSON *entry = NULL;
  int code = LJ_INVALID;
  if (before != NULL) code = lj_json_parse(before, strlen(before), &list);
  if (code == LJ_NOMEM) return code;
  if (!cJSON_IsArray(list)) {
    cJSON_Delete(list);
    list = cJSON_CreateArray();
  }
  code = list != NULL ? build_try(run, &entry) : LJ_NOMEM;
  if (code == LJ_OK) code = lj_json_push_value(list, entry);
  while (code == LJ_OK && cJSON_GetArraySize(list) > LJ_MAX_HISTORY) cJSON_DeleteItemFromArray(list, 0);
  if (code == LJ_OK) code = print(list, LJ_MAX_COMMAND_BYTES, out);
  cJSON_Delete(list);
  return code;
}

int lj_verdict_build(lj_run *run) {
  int code = LJ_OK;
  /* An interruption is no trouble of the job: the row keeps the error that it had. */
  bool told = run->end != LJ_END_RELEASE || lj_code_class(run->code) != LJ_CLASS_INTERNAL;
  if (run->json == NULL && told) {
    cJSON *value = NULL;
    code = run->end == LJ_END_COMPLETE ? build_result(run, &value) : build_error(run, &value);
    /* Escapes can make a text up to six times as long. */
    if (code == LJ_OK) code = print(value, (size_t)LJ_MAX_TEXT_BYTES * 8, &run->json);
    cJSON_Delete(value);
  }
  /* A try that does not count leaves no entry: a worker that is restarted again and again would push the real ones out. */
  if (code == LJ_OK && run->history == NULL && run->end != LJ_END_RELEASE) code = lj_verdict_history(run, &run->history);
  if (code == LJ_OK && run->history == NULL && run->job.history != NULL) {
    run->history = lj_strdup(run->job.history);
    code = run->history != NULL ? LJ_OK : LJ_NOMEM;
  }
  return code == LJ_TOO_BIG ? LJ_NOMEM : code;
}
