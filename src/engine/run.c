/* SPDX-License-Identifier: MIT */
#include "engine/run.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/random.h"
#include "engine/state.h"
#include "engine/verdict.h"
#include "provider/quotes.h"
#include "provider/request.h"
#include "provider/template.h"

enum {
  DAY_MS = 86400000,
  AVOID_MS = 600000, /* routes prefer other targets for so long after a lane refused its key or model, … */
  AVOID_POOR_MS = 900000, /* … or was out of money */
  SHORTAGE_MS = 1000 /* no new jobs for so long after memory was short */
};

void lj_run_list_add(lj_run_list *list, lj_run *run) {
  run->next = NULL;
  run->previous = list->last;
  if (list->last != NULL)
    list->last->next = run;
  else
    list->first = run;
  list->last = run;
  list->count++;
}

void lj_run_list_remove(lj_run_list *list, lj_run *run) {
  if (run->previous != NULL)
    run->previous->next = run->next;
  else
    list->first = run->next;
  if (run->next != NULL)
    run->next->previous = run->previous;
  else
    list->last = run->previous;
  list->count--;
}

static void leave_lane(lj_run *run) {
  if (run->lane == NULL) return;
  lj_lane_leave(&run->engine->lanes, run->lane, run->entered_ms);
  run->lane = NULL;
}

static void drop_call(lj_run *run) {
  if (run->call != NULL) lj_http_abort(run->engine->http, run->call);
  run->call = NULL;
}

static void stop_moving(lj_run *run) {
  if (run->moving) run->engine->moving--;
  run->moving = false;
}

void lj_run_free(lj_run *run) {
  drop_call(run);
  leave_lane(run);
  stop_moving(run);
  lj_response_free(run->response);
  lj_wire_free(&run->wire);
  lj_buffer_free(&run->fresh);
  cJSON_Delete(run->result);
  lj_schema_close(run->schema); /* it borrows from the request */
  cJSON_Delete(run->request);
  lj_job_free(&run->job);
  lj_free(run->next_history);
  lj_free(run->tried);
  lj_remote_free(&run->remote);
  lj_free(run->history);
  lj_free(run->json);
  lj_free(run);
}

void lj_run_tell(lj_run *run) {
  if (run->fresh.length == 0) return;
  lj_outbox_token(&run->engine->outbox, run->job.id, run->fresh.data, run->restart);
  lj_buffer_clear(&run->fresh);
  run->told = true;
  run->restart = false;
}

/* The try is over: from here on the run only waits for its commit, without its call and its place in the lane. */
static void end_run(lj_run *run, int code, bool stopping) {
  lj_engine *engine = run->engine;
  lj_run_tell(run);
  drop_call(run);
  leave_lane(run);
  stop_moving(run);
  lj_wire_free(&run->wire);
  lj_verdict_decide(run, code, stopping);
  lj_run_list_remove(&engine->calling, run);
  lj_run_list_add(&engine->ended, run);
  engine->look = true; /* its slot is free once the end is written */
  if (code == LJ_NOMEM) engine->claim_after_ms = lj_mono_ms() + SHORTAGE_MS;
}

void lj_run_interrupt(lj_run *run, int code, const char *why) {
  lj_fault_set(&run->fault, code, "%s", why);
  end_run(run, code, true);
}

void lj_run_cancel(lj_run *run, int code, const char *why) {
  lj_remote_cancel(run);
  lj_fault_set(&run->fault, code, "%s", why);
  end_run(run, code, false);
}

void lj_run_fail(lj_run *run, int code) { end_run(run, code, false); }

int lj_run_progress(const lj_run *run) {
  if (run->max_tokens <= 0) return 0;
  int64_t percent = run->deltas * 100 / run->max_tokens;
  return percent < 99 ? (int)percent : 99;
}

static void on_text(void *owner, const char *text, size_t length) {
  lj_run *run = owner;
  if (run->first_token_us == 0 && length > 0) run->first_token_us = lj_mono_us();
  run->deltas++;
  if (run->engine->config.content.on_answer) return; /* no filter has seen it yet */
  /* Live text only: when it finds no room it is dropped, the answer itself is kept by the response. */
  if (lj_live_wants(run) && lj_buffer_append(&run->fresh, text, length) != LJ_OK) run->engine->outbox.dropped_tokens++;
}

/* The end of a lane's trouble: jobs that wait for it may run, and its provider can be reached by other lanes too. */
static void heal(lj_run *run) {
  lj_engine *engine = run->engine;
  lj_lanes_nudge(&engine->lanes, run->lane->provider, 0, lj_mono_ms());
  engine->look = true;
}

static void on_data(void *owner) {
  lj_run *run = owner;
  if (run->call != NULL) lj_http_touch(run->call);
}

/* A lane that could not be reached is all right as soon as anything answers, however long the answer takes. */
static void on_status(void *owner, int status) {
  lj_run *run = owner;
  lj_engine *engine = run->engine;
  lj_response_status(run->response, status);
  if (run->lane != NULL && lj_lane_reached(&engine->lanes, run->lane, run->entered_ms)) heal(run);
}

/* What the head of the answer says of limits. A good one ends a pause for too many requests: what follows it may take minutes. */
static void learn(lj_run *run) {
  lj_engine *engine = run->engine;
  int status = lj_response_http_status(run->response);
  if (run->learned || run->lane == NULL || status == 0) return;
  run->learned = true;
  bool limited = run->lane->code == LJ_RATE_LIMITED && status >= 200 && status <= 299;
  if (limited && lj_lane_success(&engine->lanes, run->lane, run->entered_ms)) heal(run);
  lj_lane_learn(run->lane, lj_response_rates(run->response), lj_mono_ms());
}

static void on_header(void *owner, const char *name, size_t name_length, const char *value, size_t value_length) {
  lj_response_header(((lj_run *)owner)->response, name, name_length, value, value_length);
}

static int on_body(void *owner, const char *bytes, size_t length) {
  lj_run *run = owner;
  learn(run);
  int code = lj_response_feed(run->response, bytes, length);
  if (run->wire.background) lj_remote_learn(run);
  return code;
}

static void start_call(lj_run *run);

void lj_run_reset(lj_run *run) {
  lj_response_free(run->response);
  run->response = NULL;
  lj_wire_free(&run->wire);
  run->first_token_us = 0;
  run->deltas = 0;
  run->partial_length = 0;
  lj_buffer_clear(&run->fresh);
  run->restart = run->restart || run->told;
  run->told = false;
}

static const lj_key *key_of(const lj_target *target) {
  const lj_keys *keys = &target->provider->keys;
  return target->key < keys->count ? &keys->items[target->key] : NULL;
}

/* The call is over and another one follows, in a lane that has been entered. */
static void enter_next(lj_run *run, lj_lane *lane, size_t target, int64_t now_wall) {
  run->lane = lane;
  run->entered_ms = lj_mono_ms();
  run->begun_wall = now_wall;
  run->learned = false;
  run->retry_at = 0;
  memcpy(run->lane_name, lane->name, sizeof run->lane_name);
  run->target = target;
  lj_run_reset(run);
}

/* Goes on elsewhere, at once or with the next transaction; false when there is no target left that would take the job now. */
static bool move_on(lj_run *run, int code) {
  lj_engine *engine = run->engine;
  int64_t now = lj_mono_ms();
  int64_t now_wall = lj_wall_ms();
  size_t target = 0;
  char *history = NULL;
  lj_lane *lane = lj_moves_find(engine, run, code, now, &target);
  if (lane == NULL) return false;
  lj_run_tell(run);
  leave_lane(run);
  if (lj_share_arranges(engine, lane, now)) {
    run->moving = true;
    engine->moving++;
    return true;
  }
  /* It is a record: without memory for it the job goes on all the same. */
  if (lj_verdict_history(run, &history) == LJ_OK) {
    lj_free(run->tried);
    run->tried = history;
  }
  lj_lane_enter(&engine->lanes, lane, 0, now);
  enter_next(run, lane, target, now_wall);
  start_call(run);
  return true;
}

void lj_run_move(lj_run *run, int64_t now_wall) {
  lj_engine *engine = run->engine;
  stop_moving(run);
  if (run->lost) {
    engine->counters.stale++;
    lj_log_write(&engine->log, LJ_LOG_WARN, "job %s: the lease was lost", run->job.id);
    lj_run_list_remove(&engine->calling, run);
    lj_run_free(run);
    return;
  }
  if (run->next_lane == NULL) {
    run->later = lj_code_class(run->code) == LJ_CLASS_TARGET && lj_moves_later(engine, run, lj_mono_ms());
    end_run(run, run->code, false);
    return;
  }
  lj_free(run->tried);
  run->tried = run->next_history;
  run->next_history = NULL;
  enter_next(run, run->next_lane, run->next_target, now_wall);
  run->next_lane = NULL;
  start_call(run);
}

/* What the call's end says of its lane. */
static void judge_lane(lj_run *run, int code) {
  lj_engine *engine = run->engine;
  lj_lane *lane = run->lane;
  lj_class class = lj_code_class(code);
  int64_t now = lj_mono_ms();
  int64_t wait = 0;
  int status = run->fault.http_status;
  run->retry_at = 0;
  if (code == LJ_UNREACHABLE) lj_window_drop(&lane->window, run->job.seq, run->begun_wall); /* no server has counted it */
  if (class == LJ_CLASS_LANE) {
    wait = lj_lane_pause(&engine->lanes, lane, code, run->fault.retry_after_ms, now);
  } else if (class == LJ_CLASS_TRANSIENT && status != 408 && status != 409) {
    wait = lj_lane_failure(&engine->lanes, lane, code, run->entered_ms, now);
  } else if (code == LJ_OK || status > 0) {
    /* It answered: it can be reached and does not limit us. */
    if (lj_lane_success(&engine->lanes, lane, run->entered_ms)) heal(run);
  }
  if (class == LJ_CLASS_TARGET) {
    int64_t avoid = code == LJ_QUOTA_EXCEEDED ? AVOID_POOR_MS : AVOID_MS;
    lane->avoid_until_ms = now + (run->fault.retry_after_ms > avoid ? run->fault.retry_after_ms : avoid);
  }
  if (wait == 0) return;
  run->retry_at = lj_wall_ms() + wait;
  lj_log_write(&engine->log, LJ_LOG_WARN, "lane %s pauses for %lld ms: %s", lane->name, (long long)wait, lj_code_name(code));
}

/* A call has ended with `code`; run->fault says why unless it is LJ_OK. `served`: how the provider has done, which is well also
 * when its answer is not what the job or the configuration asks for. */
static void finish_call(lj_run *run, int code, int served) {
  lj_class class = lj_code_class(code);
  lj_engine *engine = run->engine;
  run->code = code;
  run->ended_at = lj_wall_ms();
  if (code != LJ_OK)
    lj_log_write(&engine->log, LJ_LOG_DEBUG, "job %s: %s from %s", run->job.id, lj_code_name(code),
                 run->lane != NULL ? run->lane->name : "no lane");
  int64_t took = lj_mono_ms() - run->called_ms;
  if (served == LJ_OK) lj_beat_response(&engine->beat, took);
  if (run->target < run->route.count) lj_health_told(engine, run->route.targets[run->target].provider, served, took);
  if (run->lane != NULL) judge_lane(run, served);
  if (code == LJ_AUTH || code == LJ_QUOTA_EXCEEDED) lj_secrets_refused(engine, &run->route.targets[run->target], lj_code_name(code));
  bool elsewhere = class == LJ_CLASS_TARGET || class == LJ_CLASS_TRANSIENT || class == LJ_CLASS_LANE || code == LJ_CONTEXT_LENGTH;
  if (elsewhere && !lj_remote_known(run) && move_on(run, code)) return;
  run->later = class == LJ_CLASS_TARGET && lj_moves_later(engine, run, lj_mono_ms());
  end_run(run, code, false);
}

/* What the job and the configuration ask of an answer that is complete. */
static int check_answer(lj_run *run) {
  const lj_content *content = &run->engine->config.content;
  if (run->schema == NULL && !content->on_answer) return LJ_OK;
  int code = lj_answer_json(lj_response_answer(run->response), lj_request_wants_object(run->request), &run->result);
  if (code == LJ_OK && run->schema != NULL) code = lj_object_expect(run->schema, run->result, &run->fault);
  if (code == LJ_OK) code = lj_content_answer(content, run->result, &run->fault);
  if (code == LJ_OK) return code;
  if (run->fault.code == LJ_OK) lj_fault_set(&run->fault, code, "memory is short");
  run->fault.http_status = lj_response_http_status(run->response);
  cJSON_Delete(run->result);
  run->result = NULL;
  return code;
}

static void on_end(void *owner, int code, const lj_fault *fault) {
  lj_run *run = owner;
  run->call = NULL;
  /* What the provider said explains more than what the connection did: an error object that ends a stream, say. And an
   * answer that is complete stays so, however the connection ended. */
  learn(run);
  int said = lj_response_end(run->response, &run->fault);
  if (code != LJ_OK && said == LJ_PROTOCOL && fault->message[0] != '\0') {
    run->fault = *fault;
    said = code;
  }
  if (lj_remote_goes_on(run, said)) return;
  int served = said;
  if (said == LJ_OK) said = check_answer(run);
  /* Some servers repeat the key that they refuse; providers' files know its usual shapes, this is the exact one. */
  const lj_key *key = key_of(&run->route.targets[run->target]);
  if (key != NULL) {
    lj_fault_hide(&run->fault, key->value);
    lj_fault_hide(&run->fault, key->previous);
  }
  lj_quotes_hide(&run->fault, run->request);
  finish_call(run, said, served);
}

static int build_call(lj_run *run, const lj_target *target) {
  const lj_provider_config *provider = target->provider;
  const lj_key *key = key_of(target);
  const char *value = key != NULL ? key->value : NULL;
  if (provider->keys.count > 0 && value == NULL) return lj_keys_explain(&provider->keys, target->key, provider->name, &run->fault);
  lj_endpoint endpoint = {.provider = provider->name,
                          .base_url = provider->base_url,
                          .api_key = value,
                          .headers = provider->headers};
  lj_response_listener listener = {.owner = run, .on_text = on_text, .on_data = on_data};
  lj_wire_init(&run->wire);
  int code = LJ_OK;
  run->remote.fetching = lj_remote_known(run);
  if (run->remote.fetching) {
    code = provider->format->build_fetch(&endpoint, run->remote.id, &run->wire, &run->fault);
  } else {
    code = lj_remote_prepare(run);
    if (code == LJ_OK) code = provider->format->build(&endpoint, target->model, run->request, &run->wire, &run->fault);
  }
  if (code == LJ_TOO_BIG)
    return lj_fault_set(&run->fault, LJ_BAD_REQUEST, "the request is larger than %d bytes", LJ_MAX_REQUEST_BYTES);
  if (code == LJ_OK)
    code = lj_response_open(provider->format, &run->wire, provider->max_response_bytes, &listener, &run->response);
  return code;
}

static void start_call(lj_run *run) {
  lj_engine *engine = run->engine;
  const lj_target *target = &run->route.targets[run->target];
  lj_fault_clear(&run->fault);
  int code = build_call(run, target);
  if (code == LJ_OK) {
    lj_call_options options = {
        .wire = &run->wire,
        .timeouts = target->provider->timeouts,
        .target = target->provider->name,
        .proxy = target->provider->proxy,
        .ca_file = target->provider->ca_file,
        .fresh = lj_health_fresh(engine, target->provider),
        .listener = {.owner = run, .on_status = on_status, .on_header = on_header, .on_body = on_body, .on_end = on_end}};
    if (run->timeout_ms > 0) options.timeouts.total_ms = run->timeout_ms;
    run->called_ms = lj_mono_ms();
    run->suspect_bytes = UINT64_MAX; /* it began after whatever sleep */
    code = lj_http_start(engine->http, &options, &run->call, &run->fault);
  }
  if (code == LJ_OK) {
    engine->counters.calls++;
    return;
  }
  if (run->fault.code == LJ_OK) lj_fault_set(&run->fault, code, "memory is short");
  finish_call(run, code, code);
}

void lj_run_call(lj_run *run) { start_call(run); }

static int read_options(lj_run *run) {
  cJSON *opts = NULL;
  lj_backoff_default(&run->backoff);
  if (run->job.opts == NULL) return LJ_OK;
  int code = lj_json_parse(run->job.opts, strlen(run->job.opts), &opts);
  if (code == LJ_INVALID || (code == LJ_OK && !cJSON_IsObject(opts)))
    code = lj_fault_set(&run->fault, LJ_BAD_JOB, "opts: must be a JSON object");
  if (code == LJ_OK) code = lj_backoff_parse(opts, &run->backoff, &run->fault);
  if (code == LJ_OK && lj_json_get(opts, "timeoutMs") != NULL) {
    run->timeout_ms = lj_json_int(opts, "timeoutMs", -1);
    if (run->timeout_ms < 1 || run->timeout_ms > DAY_MS)
      code = lj_fault_set(&run->fault, LJ_BAD_JOB, "opts.timeoutMs: must be a whole number from 1 to %d", DAY_MS);
  }
  cJSON_Delete(opts);
  return code;
}

/* Fills {{children.…}} in a text of the job's own data. */
static int fill_children(lj_run *run, cJSON *data, const char *key) {
  const char *text = lj_json_string(data, key);
  lj_buffer filled;
  if (text == NULL || strstr(text, "{{") == NULL) return LJ_OK;
  lj_buffer_init(&filled, LJ_MAX_DATA_BYTES);
  int code = lj_template_fill(text, data, LJ_TEMPLATE_CHILDREN, key, &filled, &run->fault);
  if (code == LJ_OK) {
    cJSON *value = cJSON_CreateString(filled.data);
    if (value == NULL || !cJSON_ReplaceItemInObjectCaseSensitive(data, key, value)) {
      cJSON_Delete(value);
      code = LJ_NOMEM;
    }
  }
  lj_buffer_free(&filled);
  return code;
}

/* The job's children become data.children, for templates of its type and for its own prompt and system. */
static int add_children(lj_run *run, cJSON *data) {
  cJSON *children = NULL;
  if (!cJSON_IsObject(data) || lj_json_get(data, LJ_TEMPLATE_CHILDREN) != NULL) return LJ_OK;
  int code = lj_children_json(run->engine->store, run->job.id, &children);
  if (code == LJ_TOO_BIG)
    return lj_fault_set(&run->fault, LJ_BAD_JOB, "the results of its children are larger than %d bytes together", LJ_MAX_DATA_BYTES);
  if (code == LJ_OK) code = lj_json_put_value(data, LJ_TEMPLATE_CHILDREN, children);
  if (code == LJ_OK) code = fill_children(run, data, "prompt");
  return code == LJ_OK ? fill_children(run, data, "system") : code;
}

static int open_schema(lj_run *run) {
  const cJSON *schema = lj_json_object(lj_json_object(run->request, "responseFormat"), "schema");
  return schema != NULL ? lj_schema_open(schema, &run->schema, &run->fault) : LJ_OK;
}

static int prepare(lj_run *run) {
  const lj_config *config = &run->engine->config;
  cJSON *data = NULL;
  int code = lj_route_find(config, run->job.model, run->job.name, &run->route, &run->fault);
  if (code == LJ_OK) code = read_options(run);
  if (code == LJ_OK) code = lj_remote_begin(run);
  if (code != LJ_OK) return code;
  code = lj_json_parse(run->job.data, strlen(run->job.data), &data);
  if (code == LJ_INVALID) return lj_fault_set(&run->fault, LJ_BAD_JOB, "data: is no JSON that can be sent: nested deeper than %d, or with \\u0000 or half a character (\\ud800 to \\udfff "
                        "alone: a text that was cut inside an emoji)",
                        LJ_MAX_JSON_DEPTH);
  if (code == LJ_OK && run->job.has_children) code = add_children(run, data);
  if (code == LJ_OK)
    code = lj_request_prepare(lj_json_object(config->types, run->job.name), data, &run->request, &run->fault);
  if (code == LJ_OK) code = lj_content_prompt(&config->content, run->request, &run->fault);
  if (code == LJ_OK) code = open_schema(run);
  if (code == LJ_OK) run->max_tokens = lj_json_int(run->request, "maxTokens", 0);
  run->estimate = lj_admission_estimate(config, run->job.name, (int64_t)strlen(run->job.data), lj_json_int(data, "maxTokens", -1));
  cJSON_Delete(data);
  return code;
}

static lj_run *new_run(lj_engine *engine) {
  lj_run *run = lj_malloc(sizeof *run);
  if (run == NULL) return NULL;
  memset(run, 0, offsetof(lj_run, fault));
  lj_fault_clear(&run->fault);
  run->engine = engine;
  lj_wire_init(&run->wire);
  lj_buffer_init(&run->fresh, LJ_MAX_EVENT_BYTES / 4);
  return run;
}

int lj_run_start(lj_engine *engine, lj_claimed *claimed, int64_t now) {
  lj_run *run = new_run(engine);
  if (run == NULL) return LJ_NOMEM;
  run->job = claimed->job;
  memset(&claimed->job, 0, sizeof claimed->job);
  run->lane = lj_lane_of(claimed->lane);
  if (run->lane != NULL) memcpy(run->lane_name, run->lane->name, sizeof run->lane_name);
  run->processed_on = now;
  run->begun_wall = now;
  run->entered_ms = lj_mono_ms();
  run->started_us = lj_mono_us();
  run->partial_ms = run->started_us / 1000;
  run->followed = lj_live_follows(engine, run->job.id);
  lj_run_list_add(&engine->calling, run);
  lj_outbox_job(&engine->outbox, run->job.id, run->job.name, LJ_STATUS_ACTIVE, LJ_OK, run->job.attempts);

  int code = prepare(run);
  /* The claim has chosen the first target with room. */
  while (code == LJ_OK && run->lane != NULL && run->target + 1 < run->route.count &&
         lj_lanes_get(&engine->lanes, &run->route.targets[run->target], lj_mono_ms()) != run->lane)
    run->target++;
  if (code == LJ_OK) {
    start_call(run);
  } else {
    if (run->fault.code == LJ_OK) lj_fault_set(&run->fault, code, "memory is short");
    end_run(run, code, false);
  }
  return LJ_OK;
}

lj_run *lj_run_of_batch(lj_engine *engine, lj_job *job, const char *mark, const lj_target *target, int64_t at, int *code) {
  lj_run *run = new_run(engine);
  if (run == NULL) return NULL;
  run->job = *job;
  memset(job, 0, sizeof *job);
  (void)snprintf(run->batch, sizeof run->batch, "%s", mark);
  run->processed_on = at;
  run->begun_wall = at;
  run->started_us = lj_mono_us() - (lj_wall_ms() - at) * 1000;
  *code = lj_random_hex(run->job.token, (LJ_TOKEN_SIZE - 1) / 2);
  if (*code == LJ_OK) *code = prepare(run);
  while (*code == LJ_OK && run->target < run->route.count &&
         !(lj_target_same(&run->route.targets[run->target], target) && run->route.targets[run->target].key == target->key))
    run->target++;
  if (*code == LJ_OK && run->target == run->route.count)
    *code = lj_fault_set(&run->fault, LJ_INTERRUPTED, "its batch is not in its route any more");
  cJSON_DeleteItemFromObjectCaseSensitive(run->request, "stream");
  if (*code == LJ_OK) *code = lj_json_put_bool(run->request, "stream", false);
  if (*code == LJ_OK) *code = build_call(run, &run->route.targets[run->target]);
  if (*code != LJ_OK && run->fault.code == LJ_OK) lj_fault_set(&run->fault, *code, "memory is short");
  return run;
}

void lj_run_end_batch(lj_run *run, int code) {
  lj_engine *engine = run->engine;
  lj_wire_free(&run->wire);
  lj_verdict_decide(run, code, false);
  if (run->final && run->end != LJ_END_COMPLETE) run->end = LJ_END_FAIL;
  lj_run_list_add(&engine->ended, run);
}

void lj_run_answer_batch(lj_run *run, int status, const char *body, size_t length) {
  const lj_key *key = key_of(&run->route.targets[run->target]);
  lj_response_status(run->response, status);
  int code = lj_response_feed(run->response, body, length);
  code = lj_response_end(run->response, &run->fault);
  if (code == LJ_OK) code = check_answer(run);
  if (key != NULL) {
    lj_fault_hide(&run->fault, key->value);
    lj_fault_hide(&run->fault, key->previous);
  }
  lj_quotes_hide(&run->fault, run->request);
  lj_run_end_batch(run, code);
}
