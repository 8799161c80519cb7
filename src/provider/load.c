/* SPDX-License-Identifier: MIT */
#include "provider/load.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "provider/openai.h"
#include "provider/ollama.h"
#include "provider/wire.h"

enum { ASK_MS = 500 /* between two questions whether it is loaded */ };

bool lj_load_begin(lj_load *load) {
  load->step = load->format == &lj_ollama ? LJ_LOAD_GENERATE : LJ_LOAD_LOAD;
  return load->format == &lj_ollama || strcmp(load->format->kind, "openai-compatible") == 0;
}

/* --- Requests --- */

static int build_ollama(const lj_load *load, const lj_endpoint *endpoint, lj_wire *wire, lj_fault *fault) {
  bool embed = load->step == LJ_LOAD_EMBED;
  char keep_alive[32];
  cJSON *body = cJSON_CreateObject();
  int code = lj_wire_start(wire, endpoint, lj_ollama.default_base_url, embed ? "/api/embed" : "/api/generate", false, NULL, fault);
  if (code == LJ_OK && body == NULL) code = LJ_NOMEM;
  if (code == LJ_OK) code = lj_json_put_string(body, "model", load->model);
  if (code == LJ_OK && embed) code = lj_json_put_value(body, "input", cJSON_CreateArray());
  if (code == LJ_OK && !embed) code = lj_json_put_bool(body, "stream", false);
  if (code == LJ_OK && load->keep_alive_ms != LJ_LOAD_DEFAULT) {
    (void)snprintf(keep_alive, sizeof keep_alive, "%lldms", (long long)load->keep_alive_ms);
    code = lj_json_put_string(body, "keep_alive", keep_alive);
  }
  if (code == LJ_OK) code = lj_wire_body(wire, body, fault);
  cJSON_Delete(body);
  return code;
}

/* The router's addresses and /health are those of the server, where baseUrl is that of its OpenAI part. */
static int build_at_server(const lj_endpoint *endpoint, const char *path, const cJSON *body, lj_wire *wire, lj_fault *fault) {
  lj_buffer base;
  lj_endpoint server = *endpoint;
  size_t length = strlen(endpoint->base_url);
  bool versioned = length > 3 && strcmp(endpoint->base_url + length - 3, "/v1") == 0;
  lj_buffer_init(&base, length);
  int code = lj_buffer_append(&base, endpoint->base_url, versioned ? length - 3 : length);
  server.base_url = base.data;
  if (code == LJ_OK)
    code = body != NULL ? lj_wire_start(wire, &server, NULL, path, false, NULL, fault) : lj_wire_start_get(wire, &server, NULL, path, fault);
  if (code == LJ_OK && body != NULL) code = lj_wire_body(wire, body, fault);
  lj_buffer_free(&base);
  return code;
}

static int build_load(const lj_load *load, const lj_endpoint *endpoint, lj_wire *wire, lj_fault *fault) {
  cJSON *body = cJSON_CreateObject();
  int code = body != NULL ? lj_json_put_string(body, "model", load->model) : LJ_NOMEM;
  if (code == LJ_OK) code = build_at_server(endpoint, "/models/load", body, wire, fault);
  cJSON_Delete(body);
  return code;
}

int lj_load_build(const lj_load *load, const lj_endpoint *endpoint, lj_wire *wire, lj_fault *fault) {
  switch (load->step) {
    case LJ_LOAD_GENERATE:
    case LJ_LOAD_EMBED:
      return build_ollama(load, endpoint, wire, fault);
    case LJ_LOAD_LOAD:
      return build_load(load, endpoint, wire, fault);
    case LJ_LOAD_HEALTH:
      return build_at_server(endpoint, "/health", NULL, wire, fault);
    case LJ_LOAD_LIST:
      return load->format->build_models(endpoint, wire, fault);
    default:
      return build_at_server(endpoint, "/models", NULL, wire, fault);
  }
}

/* --- Answers --- */

static lj_load_state go_on(lj_load *load, lj_load_step next, int64_t wait, int64_t *wait_ms) {
  load->step = next;
  *wait_ms = wait;
  return LJ_LOAD_GOES_ON;
}

static lj_load_state fail(lj_fault *fault, int code, const char *words) {
  lj_fault_set(fault, code, "%s", words);
  return LJ_LOAD_FAILED;
}

static lj_load_state read_ollama(lj_load *load, bool good, const cJSON *body, const char *raw, int64_t *wait_ms, lj_fault *fault) {
  const char *reason = lj_json_string(body, "done_reason");
  if (good && body != NULL) return load->keep_alive_ms == 0 || lj_text_is(reason, "unload") ? LJ_LOAD_GONE : LJ_LOAD_DONE;
  if (good) return fail(fault, LJ_PROTOCOL, "The server's answer is no JSON; is baseUrl that of Ollama?");
  if (load->step == LJ_LOAD_GENERATE && strstr(raw, "does not support generate") != NULL) return go_on(load, LJ_LOAD_EMBED, 0, wait_ms);
  return LJ_LOAD_FAILED;
}

/* What a list of models says of the one that is wanted; NULL: it is not in it. */
static const cJSON *find_model(const cJSON *body, const char *model) {
  const cJSON *item = NULL;
  cJSON_ArrayForEach(item, lj_json_array(body, "data")) if (lj_text_is(lj_json_string(item, "id"), model)) return item;
  return NULL;
}

static lj_load_state read_router(lj_load *load, const cJSON *body, int64_t *wait_ms, lj_fault *fault) {
  const cJSON *status = lj_json_object(find_model(body, load->model), "status");
  const char *value = lj_json_string(status, "value");
  if (lj_text_is(value, "loaded") || lj_text_is(value, "sleeping")) return LJ_LOAD_DONE;
  if (lj_json_bool(status, "failed", false)) return fail(fault, LJ_SERVER_ERROR, "The server could not load the model; its own log says why");
  if (value == NULL) return fail(fault, LJ_MODEL_NOT_FOUND, "The server does not list this model");
  if (load->step == LJ_LOAD_CHECK && lj_text_is(value, "unloaded")) return fail(fault, LJ_BAD_REQUEST, "The server refused to load the model");
  return go_on(load, load->step, ASK_MS, wait_ms);
}

lj_load_state lj_load_read(lj_load *load, const lj_head *head, const cJSON *body, const char *raw, size_t length, int64_t *wait_ms,
                           lj_fault *fault) {
  bool good = head->status >= 200 && head->status <= 299;
  bool unheard = head->status == 404 || head->status == 405 || head->status == 501;
  lj_fault_clear(fault);
  lj_load_state state = LJ_LOAD_FAILED;
  switch (load->step) {
    case LJ_LOAD_GENERATE:
    case LJ_LOAD_EMBED:
      state = read_ollama(load, good, body, raw, wait_ms, fault);
      break;
    case LJ_LOAD_LOAD:
      if (good) return go_on(load, LJ_LOAD_ROUTER, 0, wait_ms);
      if (unheard) return go_on(load, LJ_LOAD_HEALTH, 0, wait_ms);
      if (head->status == 503) return go_on(load, LJ_LOAD_LOAD, ASK_MS, wait_ms);
      if (head->status == 400) return go_on(load, LJ_LOAD_CHECK, 0, wait_ms);
      break;
    case LJ_LOAD_HEALTH:
      if (good || unheard) return go_on(load, LJ_LOAD_LIST, 0, wait_ms);
      if (head->status == 503) return go_on(load, LJ_LOAD_HEALTH, ASK_MS, wait_ms);
      break;
    case LJ_LOAD_LIST:
      if (good && find_model(body, load->model) != NULL) return LJ_LOAD_DONE;
      if (good) return fail(fault, LJ_MODEL_NOT_FOUND, "The server does not list this model: it serves another one");
      if (head->status == 503) return go_on(load, LJ_LOAD_HEALTH, ASK_MS, wait_ms);
      break;
    default:
      if (good) return read_router(load, body, wait_ms, fault);
      break;
  }
  if (state == LJ_LOAD_FAILED && fault->code == LJ_OK) load->format->classify(head, body, raw, length, fault);
  return state;
}
