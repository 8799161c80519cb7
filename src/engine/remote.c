/* SPDX-License-Identifier: MIT */
#include "engine/remote.h"

#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "engine/state.h"

enum {
  FIRST_POLL_MS = 500,     /* before the first look at an answer that is not ready; doubles … */
  LAST_POLL_MS = 30000,    /* … up to here */
  MAX_TROUBLES = 10,       /* polls in a row that may fail before the try counts as failed */
  ERRAND_MS = 10000,       /* for the end of an answer that nobody wants */
  LONGEST_MS = 86400000    /* no answer is waited for longer than a day, unless opts.timeoutMs says another time */
};

static const lj_target *target_of(const lj_run *run) { return &run->route.targets[run->target]; }

static const char *key_value(const lj_target *target) {
  const lj_keys *keys = &target->provider->keys;
  return target->key < keys->count ? keys->items[target->key].value : NULL;
}

void lj_remote_free(lj_remote *remote) {
  lj_free(remote->text);
  memset(remote, 0, sizeof *remote);
}

static void forget(lj_run *run) {
  lj_free(run->remote.text);
  run->remote.text = NULL;
  run->remote.id[0] = '\0';
  run->remote.unwritten = false;
  run->remote.fetching = false;
}

bool lj_remote_known(const lj_run *run) { return run->remote.id[0] != '\0'; }

/* The target among those of the route that the row names; the same with another key when that key is gone from the configuration. */
static bool find_target(const lj_run *run, const cJSON *remote, size_t *found) {
  const char *provider = lj_json_string(remote, "provider");
  const char *model = lj_json_string(remote, "model");
  int64_t key = lj_json_int(remote, "key", 0);
  bool any = false;
  for (size_t i = 0; provider != NULL && model != NULL && i < run->route.count; i++) {
    const lj_target *target = &run->route.targets[i];
    if (strcmp(target->provider->name, provider) != 0 || strcmp(target->model, model) != 0) continue;
    if (target->provider->format->build_fetch == NULL) continue;
    if (any && (int64_t)target->key != key) continue;
    any = true;
    *found = i;
  }
  return any;
}

/* The call will go to that target, whatever room its lane has: the answer is being made already. */
static void enter(lj_run *run, size_t index) {
  lj_engine *engine = run->engine;
  int64_t now = lj_mono_ms();
  lj_lane *lane = lj_lanes_get(&engine->lanes, &run->route.targets[index], now);
  run->target = index;
  if (lane == NULL || lane == run->lane) return;
  if (run->lane != NULL) lj_lane_leave(&engine->lanes, run->lane, run->entered_ms);
  lj_lane_enter(&engine->lanes, lane, 0, now);
  run->entered_ms = now;
  run->lane = lane;
  memcpy(run->lane_name, lane->name, sizeof run->lane_name);
}

static int take_up(lj_run *run) {
  lj_remote *remote = &run->remote;
  cJSON *json = NULL;
  size_t index = 0;
  if (run->job.remote == NULL) return LJ_OK;
  int code = lj_json_parse(run->job.remote, strlen(run->job.remote), &json);
  if (code == LJ_NOMEM) return code;
  const char *kind = lj_json_string(json, "kind");
  const char *id = lj_json_string(json, "id");
  bool usable = kind != NULL && strcmp(kind, "response") == 0 && id != NULL && id[0] != '\0' && strlen(id) < sizeof remote->id;
  if (usable && find_target(run, json, &index)) {
    memcpy(remote->id, id, strlen(id) + 1);
    remote->at = lj_json_int(json, "at", lj_wall_ms());
    remote->text = lj_strdup(run->job.remote);
    enter(run, index);
    code = remote->text != NULL ? LJ_OK : LJ_NOMEM;
  } else {
    if (usable)
      lj_log_write(&run->engine->log, LJ_LOG_WARN, "job %s: what works at its answer is not in its route any more, it is asked for anew",
                   run->job.id);
    code = LJ_OK;
  }
  cJSON_Delete(json);
  return code;
}

int lj_remote_begin(lj_run *run) {
  cJSON *opts = NULL;
  if (run->job.opts != NULL && lj_json_parse(run->job.opts, strlen(run->job.opts), &opts) == LJ_NOMEM) return LJ_NOMEM;
  const cJSON *wanted = lj_json_get(opts, "background");
  bool malformed = wanted != NULL && !cJSON_IsBool(wanted);
  run->remote.wanted = wanted != NULL && cJSON_IsTrue(wanted);
  cJSON_Delete(opts);
  if (malformed) return lj_fault_set(&run->fault, LJ_BAD_JOB, "opts.background: must be true or false");
  return take_up(run);
}

int lj_remote_prepare(lj_run *run) {
  const lj_provider_config *provider = target_of(run)->provider;
  bool embeds = lj_json_get(run->request, "input") != NULL;
  cJSON_DeleteItemFromObjectCaseSensitive(run->request, "background");
  if (run->batch[0] != '\0') return LJ_OK;
  if (run->remote.wanted && provider->format->build_fetch == NULL)
    return lj_fault_set(&run->fault, LJ_BAD_REQUEST,
                        "opts.background: provider %s can't go on without its caller; leave it out, or use a provider with api \"responses\"",
                        provider->name);
  if (run->remote.wanted && embeds)
    return lj_fault_set(&run->fault, LJ_BAD_REQUEST, "opts.background: embeddings can't be made in the background; leave it out");
  if (embeds || !(run->remote.wanted || provider->background)) return LJ_OK;
  return lj_json_put_bool(run->request, "background", true);
}

static int write_text(const lj_run *run, const char *id, char **out) {
  const lj_target *target = target_of(run);
  lj_buffer text;
  cJSON *json = cJSON_CreateObject();
  lj_buffer_init(&text, 4096);
  int code = json != NULL ? lj_json_put_string(json, "kind", "response") : LJ_NOMEM;
  if (code == LJ_OK) code = lj_json_put_string(json, "id", id);
  if (code == LJ_OK) code = lj_json_put_string(json, "provider", target->provider->name);
  if (code == LJ_OK) code = lj_json_put_number(json, "key", (double)target->key);
  if (code == LJ_OK) code = lj_json_put_string(json, "model", target->model);
  if (code == LJ_OK) code = lj_json_put_number(json, "at", (double)run->begun_wall);
  if (code == LJ_OK) code = lj_json_print(json, &text);
  if (code == LJ_OK) *out = lj_buffer_take(&text);
  if (code == LJ_OK && *out == NULL) code = LJ_NOMEM;
  lj_buffer_free(&text);
  cJSON_Delete(json);
  return code;
}

void lj_remote_learn(lj_run *run) {
  lj_remote *remote = &run->remote;
  const char *id = lj_response_answer(run->response)->id;
  if (!run->wire.background || remote->id[0] != '\0' || id[0] == '\0' || remote->text != NULL) return;
  if (write_text(run, id, &remote->text) != LJ_OK) return; /* memory is short: at the next bytes */
  memcpy(remote->id, id, sizeof remote->id);
  remote->at = run->begun_wall;
  remote->unwritten = true;
  run->engine->remotes = true;
}

int64_t lj_remote_pace(int polls) {
  int64_t wait = FIRST_POLL_MS;
  for (int i = 0; i < polls && wait < LAST_POLL_MS; i++) wait *= 2;
  return wait < LAST_POLL_MS ? wait : LAST_POLL_MS;
}

static void plan_poll(lj_run *run) {
  lj_remote *remote = &run->remote;
  int64_t wait = lj_remote_pace(remote->polls + remote->troubles);
  if (run->fault.retry_after_ms > wait) wait = run->fault.retry_after_ms;
  remote->poll_at_ms = lj_mono_ms() + wait;
  run->engine->remotes = true;
  lj_run_reset(run);
}

static bool is_too_late(const lj_run *run) {
  int64_t longest = run->timeout_ms > 0 ? run->timeout_ms : LONGEST_MS;
  return lj_wall_ms() - run->remote.at > longest;
}

bool lj_remote_goes_on(lj_run *run, int code) {
  lj_remote *remote = &run->remote;
  lj_remote_learn(run);
  if (!lj_remote_known(run)) return false;
  const lj_answer *answer = lj_response_answer(run->response);
  bool pending = code == LJ_OK && answer->pending;
  if (answer->over || (code == LJ_OK && !pending)) {
    forget(run); /* the end that follows writes that nothing is left there */
    return false;
  }
  if (!pending && remote->fetching && run->fault.http_status == 404) {
    memcpy(remote->lost, remote->id, sizeof remote->lost);
    lj_log_write(&run->engine->log, LJ_LOG_WARN, "job %s: the provider does not know its answer any more, it is asked for anew",
                 run->job.id);
    forget(run);
    lj_run_reset(run);
    lj_run_call(run);
    return true;
  }
  lj_class class = lj_code_class(code);
  if (!pending && class == LJ_CLASS_TARGET) {
    forget(run); /* the key that asked for it is refused */
    return false;
  }
  if (!pending && class != LJ_CLASS_TRANSIENT) return false;
  if (is_too_late(run)) {
    lj_remote_cancel(run);
    forget(run);
    lj_fault_set(&run->fault, LJ_TIMEOUT_TOTAL, "The provider had not ended its answer in time; it was told to stop");
    lj_run_fail(run, LJ_TIMEOUT_TOTAL);
    return true;
  }
  if (!pending && ++remote->troubles > MAX_TROUBLES) return false;
  if (pending) remote->troubles = 0;
  plan_poll(run);
  remote->polls++;
  lj_fault_clear(&run->fault);
  return true;
}

void lj_remote_turn(lj_engine *engine, int64_t now_ms) {
  if (!engine->remotes) return;
  engine->remotes = false; /* set again by those that are found, and by what begins meanwhile */
  for (lj_run *run = engine->calling.first, *next; run != NULL; run = next) {
    next = run->next;
    if (run->remote.unwritten || run->remote.poll_at_ms != 0) engine->remotes = true;
    if (run->remote.poll_at_ms == 0 || run->remote.poll_at_ms > now_ms) continue;
    run->remote.poll_at_ms = 0;
    lj_run_call(run);
  }
}

int64_t lj_remote_next(const lj_engine *engine) {
  int64_t next = INT64_MAX;
  for (const lj_run *run = engine->remotes ? engine->calling.first : NULL; run != NULL; run = run->next)
    if (run->remote.poll_at_ms != 0 && run->remote.poll_at_ms < next) next = run->remote.poll_at_ms;
  return next;
}

static void on_status(void *owner, int status) { (void)owner, (void)status; }

static void on_header(void *owner, const char *name, size_t name_length, const char *value, size_t value_length) {
  (void)owner, (void)name, (void)name_length, (void)value, (void)value_length;
}

static int on_body(void *owner, const char *bytes, size_t length) {
  (void)owner, (void)bytes, (void)length;
  return LJ_OK;
}

static void errand_free(lj_errand *errand) {
  lj_wire_free(&errand->wire);
  lj_free(errand);
}

static void on_errand_end(void *owner, int code, const lj_fault *fault) {
  lj_errand *errand = owner;
  lj_engine *engine = errand->engine;
  (void)fault;
  if (code != LJ_OK)
    lj_log_write(&engine->log, LJ_LOG_WARN, "an answer that nobody wants could not be ended at its provider (%s)", lj_code_name(code));
  for (lj_errand **at = &engine->errands; *at != NULL; at = &(*at)->next)
    if (*at == errand) {
      *at = errand->next;
      engine->errand_count--;
      break;
    }
  errand_free(errand);
}

/* At most LJ_MAX_ERRANDS at a time: it saves money, nothing depends on it. */
static void run_errand(lj_engine *engine, const lj_target *target, const char *id) {
  const lj_provider_config *provider = target->provider;
  lj_endpoint endpoint = {.provider = provider->name,
                          .base_url = provider->base_url,
                          .api_key = key_value(target),
                          .headers = provider->headers};
  lj_fault fault;
  if (!engine->config.allows_llm || provider->format->build_cancel == NULL || engine->errand_count >= LJ_MAX_ERRANDS) return;
  lj_errand *errand = lj_calloc(1, sizeof *errand);
  if (errand == NULL) return;
  errand->engine = engine;
  lj_fault_clear(&fault);
  lj_wire_init(&errand->wire);
  int code = provider->format->build_cancel(&endpoint, id, &errand->wire, &fault);
  if (code == LJ_OK) {
    lj_call_options options = {
        .wire = &errand->wire,
        .timeouts = {ERRAND_MS, ERRAND_MS, ERRAND_MS, ERRAND_MS},
        .target = provider->name,
        .proxy = provider->proxy,
        .ca_file = provider->ca_file,
        .listener = {.owner = errand, .on_status = on_status, .on_header = on_header, .on_body = on_body, .on_end = on_errand_end}};
    code = lj_http_start(engine->http, &options, &errand->call, &fault);
  }
  if (code != LJ_OK) {
    errand_free(errand);
    return;
  }
  errand->next = engine->errands;
  engine->errands = errand;
  engine->errand_count++;
}

void lj_remote_cancel(lj_run *run) {
  if (lj_remote_known(run)) run_errand(run->engine, target_of(run), run->remote.id);
  forget(run);
}

void lj_remote_orphan(void *listener, const char *remote) {
  lj_engine *engine = listener;
  cJSON *json = NULL;
  if (lj_json_parse(remote, strlen(remote), &json) != LJ_OK) return;
  const char *kind = lj_json_string(json, "kind");
  const char *id = lj_json_string(json, "id");
  const char *name = lj_json_string(json, "provider");
  int64_t key = lj_json_int(json, "key", 0);
  bool usable = kind != NULL && strcmp(kind, "response") == 0 && id != NULL && name != NULL && key >= 0;
  for (size_t i = 0; usable && i < engine->config.provider_count; i++) {
    const lj_provider_config *provider = &engine->config.providers[i];
    lj_target target = {.provider = provider, .key = (size_t)key};
    if (strcmp(provider->name, name) == 0) run_errand(engine, &target, id);
  }
  cJSON_Delete(json);
}

void lj_remote_close(lj_engine *engine) {
  while (engine->errands != NULL) {
    lj_errand *errand = engine->errands;
    engine->errands = errand->next;
    lj_http_abort(engine->http, errand->call);
    errand_free(errand);
  }
  engine->errand_count = 0;
}
