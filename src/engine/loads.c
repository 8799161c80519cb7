/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "engine/state.h"
#include "policy/route.h"
#include "provider/head.h"

enum {
  MAX_BODY = 1 << 20,  /* a list of models */
  KEY_MS = 200,        /* between two looks whether the app has given the key */
  DAY_MS = 86400000
};

static void loading_free(lj_loading *loading) {
  if (loading == NULL) return;
  if (loading->call != NULL) lj_http_abort(loading->engine->http, loading->call);
  lj_wire_free(&loading->wire);
  lj_buffer_free(&loading->body);
  lj_free(loading->answer);
  lj_free(loading->model);
  lj_free(loading);
}

static const char *key_value(const lj_loading *loading) {
  const lj_keys *keys = &loading->provider->keys;
  return keys->count > 0 ? keys->items[0].value : NULL;
}

static void end_well(lj_loading *loading, bool loaded) {
  lj_engine *engine = loading->engine;
  lj_asked asked = {.id = loading->answer, .channel = "worker:loadModel"};
  lj_buffer name;
  cJSON *payload = cJSON_CreateObject();
  lj_buffer_init(&name, LJ_MAX_COMMAND_BYTES);
  int code = payload != NULL ? lj_buffer_printf(&name, "%s/%s", loading->provider->name, loading->model) : LJ_NOMEM;
  if (code == LJ_OK) code = lj_json_put_string(payload, "model", name.data);
  if (code == LJ_OK) code = lj_json_put_bool(payload, "loaded", loaded);
  if (code == LJ_OK) code = lj_json_put_number(payload, "ms", (double)(lj_mono_ms() - loading->begun_ms));
  lj_buffer_free(&name);
  if (code != LJ_OK) {
    cJSON_Delete(payload);
    payload = NULL;
  }
  lj_asked_answer(engine, &asked, payload);
  loading->over = true;
}

static void end_badly(lj_loading *loading, lj_fault *fault) {
  lj_asked asked = {.id = loading->answer, .channel = "worker:loadModel"};
  const lj_key *key = loading->provider->keys.count > 0 ? &loading->provider->keys.items[0] : NULL;
  if (key != NULL) {
    lj_fault_hide(fault, key->value);
    lj_fault_hide(fault, key->previous);
  }
  lj_asked_refuse(loading->engine, &asked, fault->code, fault->message);
  loading->over = true;
}

static void on_status(void *owner, int status) { lj_head_clear(&((lj_loading *)owner)->head, status); }

static void on_header(void *owner, const char *name, size_t name_length, const char *value, size_t value_length) {
  lj_head_read(&((lj_loading *)owner)->head, name, name_length, value, value_length);
}

static int on_body(void *owner, const char *bytes, size_t length) {
  lj_loading *loading = owner;
  if (loading->call != NULL) lj_http_touch(loading->call);
  return lj_buffer_append(&loading->body, bytes, length);
}

static void on_end(void *owner, int code, const lj_fault *fault) {
  lj_loading *loading = owner;
  lj_fault cause = *fault;
  cJSON *body = NULL;
  int64_t wait = 0;
  loading->call = NULL;
  lj_wire_free(&loading->wire);
  if (code == LJ_OK && lj_json_parse(loading->body.data, loading->body.length, &body) == LJ_NOMEM) code = LJ_NOMEM;
  if (code != LJ_OK) {
    if (cause.code == LJ_OK) lj_fault_set(&cause, code, code == LJ_TOO_BIG ? "The server's answer is too long" : "memory is short");
    end_badly(loading, &cause);
    return;
  }
  lj_load_state state = lj_load_read(&loading->load, &loading->head, body, loading->body.data, loading->body.length, &wait, &cause);
  cJSON_Delete(body);
  if (state == LJ_LOAD_GOES_ON) {
    loading->step_at_ms = lj_mono_ms() + wait;
  } else if (state == LJ_LOAD_FAILED) {
    if (cause.code == LJ_OK) lj_fault_set(&cause, LJ_PROTOCOL, "The server's answer can't be understood");
    end_badly(loading, &cause);
  } else {
    end_well(loading, state == LJ_LOAD_DONE);
  }
}

static void take_step(lj_loading *loading, int64_t now_ms) {
  lj_engine *engine = loading->engine;
  const lj_provider_config *provider = loading->provider;
  int64_t left = loading->until_ms - now_ms;
  lj_fault fault;
  lj_fault_clear(&fault);
  if (left <= 0) {
    lj_fault_set(&fault, LJ_TIMEOUT_TOTAL, "The model was not loaded within %lld ms; raise the provider's timeouts.totalMs", (long long)(loading->until_ms - loading->begun_ms));
    end_badly(loading, &fault);
    return;
  }
  if (provider->keys.count > 0 && !lj_secrets_ready(engine, provider, 0)) {
    loading->step_at_ms = now_ms + KEY_MS;
    return;
  }
  lj_endpoint endpoint = {.provider = provider->name, .base_url = provider->base_url, .api_key = key_value(loading), .headers = provider->headers};
  lj_wire_init(&loading->wire);
  lj_head_clear(&loading->head, 0);
  lj_buffer_clear(&loading->body);
  int code = lj_load_build(&loading->load, &endpoint, &loading->wire, &fault);
  if (code == LJ_OK) {
    lj_call_options options = {
        .wire = &loading->wire,
        .timeouts = {provider->timeouts.connect_ms, left, left, left},
        .target = provider->name,
        .proxy = provider->proxy,
        .ca_file = provider->ca_file,
        .listener = {.owner = loading, .on_status = on_status, .on_header = on_header, .on_body = on_body, .on_end = on_end}};
    code = lj_http_start(engine->http, &options, &loading->call, &fault);
  }
  if (code == LJ_OK) return;
  lj_wire_free(&loading->wire);
  if (fault.code == LJ_OK) lj_fault_set(&fault, code, "memory is short");
  end_badly(loading, &fault);
}

/* The first target of the route whose models can be loaded: an alias may name others too. */
static bool choose(const lj_route *route, lj_loading *loading) {
  for (size_t i = 0; i < route->count; i++) {
    const lj_provider_config *provider = route->targets[i].provider;
    loading->load.format = provider->format;
    if (!provider->is_own || !lj_load_begin(&loading->load)) continue;
    loading->provider = provider;
    loading->model = lj_strdup(route->targets[i].model);
    loading->load.model = loading->model;
    return true;
  }
  return false;
}

static void begin(lj_engine *engine, const lj_asked *asked, const char *model, int64_t keep_alive) {
  lj_route route;
  lj_fault fault;
  lj_fault_clear(&fault);
  int code = lj_route_find(&engine->config, model, "", &route, &fault);
  if (code != LJ_OK) {
    lj_asked_refuse(engine, asked, code, fault.message);
    return;
  }
  lj_loading *loading = lj_calloc(1, sizeof *loading);
  if (loading == NULL) {
    lj_asked_refuse(engine, asked, LJ_NOMEM, "memory is short");
    return;
  }
  loading->engine = engine;
  loading->load.keep_alive_ms = keep_alive;
  lj_wire_init(&loading->wire);
  lj_buffer_init(&loading->body, MAX_BODY);
  bool loadable = choose(&route, loading);
  loading->answer = lj_strdup(asked->id);
  if (!loadable || loading->model == NULL || (asked->id != NULL && loading->answer == NULL)) {
    loading_free(loading);
    lj_asked_refuse(engine, asked, loadable ? LJ_NOMEM : LJ_BAD_REQUEST,
                    loadable ? "memory is short" : "the model's provider is not a server of one's own (Ollama, llama-server): it loads its models by itself");
    return;
  }
  loading->begun_ms = lj_mono_ms();
  loading->step_at_ms = loading->begun_ms;
  loading->until_ms = loading->begun_ms + loading->provider->timeouts.total_ms;
  loading->next = engine->loads.first;
  engine->loads.first = loading;
  engine->loads.count++;
}

void lj_loads_ask(lj_engine *engine, const lj_asked *asked) {
  const char *model = lj_json_string(asked->payload, "model");
  const cJSON *keep = lj_json_get(asked->payload, "keepAliveMs");
  int64_t keep_alive = lj_json_int(asked->payload, "keepAliveMs", LJ_LOAD_DEFAULT);
  if (lj_json_get(asked->payload, "modelPath") != NULL) {
    bool may = engine->config.allows_files;
    lj_asked_refuse(engine, asked, may ? LJ_MODEL_ENGINE_MISSING : LJ_POLICY_DENIED,
                    may ? "this build runs no models itself; serve the file with Ollama or llama-server, and name the model provider/model"
                        : "allowedAPIs of the configuration has no \"fs:read\"");
  } else if (model == NULL || *model == '\0') {
    lj_asked_refuse(engine, asked, LJ_INVALID, "worker:loadModel needs {model: \"provider/model\"}");
  } else if (keep != NULL && (keep_alive < -1 || keep_alive > (int64_t)DAY_MS * 366)) {
    lj_asked_refuse(engine, asked, LJ_INVALID, "keepAliveMs must be a whole number of milliseconds, 0 to unload the model, or -1 to keep it for ever");
  } else if (engine->failed) {
    lj_asked_refuse(engine, asked, LJ_CLOSED, "the worker does not run");
  } else if (engine->loads.count >= LJ_MAX_LOADS) {
    lj_asked_refuse(engine, asked, LJ_BUSY, "too many models are being loaded; wait for one of them");
  } else {
    begin(engine, asked, model, keep_alive);
  }
}

void lj_loads_turn(lj_engine *engine, int64_t now_ms) {
  for (lj_loading **at = &engine->loads.first; *at != NULL;) {
    lj_loading *loading = *at;
    if (!loading->over && loading->call == NULL && now_ms >= loading->step_at_ms) take_step(loading, now_ms);
    if (!loading->over) {
      at = &loading->next;
      continue;
    }
    *at = loading->next;
    engine->loads.count--;
    loading_free(loading);
  }
}

int64_t lj_loads_next(const lj_engine *engine) {
  int64_t next = INT64_MAX;
  for (const lj_loading *loading = engine->loads.first; loading != NULL; loading = loading->next)
    if (loading->call == NULL && loading->step_at_ms < next) next = loading->step_at_ms;
  return next;
}

void lj_loads_close(lj_engine *engine) {
  while (engine->loads.first != NULL) {
    lj_loading *loading = engine->loads.first;
    engine->loads.first = loading->next;
    loading_free(loading);
  }
  engine->loads.count = 0;
}
