/* SPDX-License-Identifier: MIT */
#include "engine/health.h"

#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "engine/state.h"

enum {
  PROBE_MS = 5000,         /* for a list of models, which no model is needed for */
  END_MS = 2000,           /* what a server that was asked to end may take */
  CHILD_MS = 1000,         /* between two looks whether it still runs */
  MAX_PROBE_BYTES = 1 << 20
};

int lj_health_open(lj_engine *engine) {
  int64_t now = lj_mono_ms();
  engine->watched = lj_calloc(engine->config.provider_count, sizeof *engine->watched);
  if (engine->watched == NULL) return LJ_NOMEM;
  for (size_t i = 0; i < engine->config.provider_count; i++) {
    lj_watched *watched = &engine->watched[i];
    watched->engine = engine;
    watched->provider = &engine->config.providers[i];
    lj_wire_init(&watched->wire);
    lj_health_init(&watched->health, watched->provider->health, now);
    /* A server that is ours to start is looked for at once. */
    if (watched->provider->command != NULL && watched->provider->health.interval_ms > 0) watched->health.probe_at_ms = now;
  }
  return LJ_OK;
}

void lj_health_close(lj_engine *engine) {
  int64_t force_at = lj_mono_ms() + END_MS / 2;
  if (engine->watched == NULL) return;
  for (size_t i = 0; i < engine->config.provider_count; i++) {
    if (engine->watched[i].probe != NULL) lj_http_abort(engine->http, engine->watched[i].probe);
    lj_wire_free(&engine->watched[i].wire);
    lj_child_end(&engine->watched[i].child, false);
  }
  for (size_t i = 0; i < engine->config.provider_count; i++) {
    lj_child *child = &engine->watched[i].child;
    while (lj_child_running(child)) {
      int64_t now = lj_mono_ms();
      if (now >= force_at) lj_child_end(child, true);
      if (now >= force_at + END_MS) break;
      lj_sleep_us(10000);
    }
  }
  lj_free(engine->watched);
  engine->watched = NULL;
}

static void put_status(cJSON *item, const lj_watched *watched, int *code) {
  const lj_health *health = &watched->health;
  *code = lj_json_put_string(item, "provider", watched->provider->name);
  if (*code == LJ_OK) *code = lj_json_put_string(item, "status", lj_health_status_name(lj_health_status_of(health)));
  if (*code == LJ_OK && health->known) *code = lj_json_put_bool(item, "apiAvailable", health->reachable);
  if (*code == LJ_OK && health->response_ms >= 0)
    *code = lj_json_put_number(item, "responseTimeMs", (double)(int64_t)health->response_ms);
  if (*code == LJ_OK) *code = lj_json_put_number(item, "errorRate", lj_health_error_rate(health));
  if (*code == LJ_OK && health->known)
    *code = lj_json_put_number(item, "lastChecked", (double)(lj_wall_ms() - (lj_mono_ms() - health->heard_ms)));
  if (*code == LJ_OK && health->code != LJ_OK) *code = lj_json_put_string(item, "code", lj_code_name(health->code));
  if (*code == LJ_OK && watched->child.id != 0) *code = lj_json_put_number(item, "serverPid", (double)watched->child.id);
}

static void tell(lj_watched *watched, const char *action) {
  cJSON *payload = cJSON_CreateObject();
  int code = payload != NULL ? LJ_OK : LJ_NOMEM;
  if (code == LJ_OK) put_status(payload, watched, &code);
  if (code == LJ_OK && action != NULL) code = lj_json_put_string(payload, "action", action);
  if (code != LJ_OK) {
    cJSON_Delete(payload);
    return;
  }
  lj_outbox_post(&watched->engine->outbox, NULL, "worker:provider", payload);
}

static void tell_change(lj_watched *watched) {
  lj_health_status status = lj_health_status_of(&watched->health);
  if (status == watched->told) return;
  watched->told = status;
  lj_log_write(&watched->engine->log, status == LJ_UNHEALTHY ? LJ_LOG_WARN : LJ_LOG_INFO, "provider %s is %s%s%s",
               watched->provider->name, lj_health_status_name(status), watched->health.code != LJ_OK ? ": " : "",
               watched->health.code != LJ_OK ? lj_code_name(watched->health.code) : "");
  tell(watched, NULL);
}

static void hear(lj_watched *watched, int code, int64_t took_ms, bool probe) {
  lj_health_hear(&watched->health, code, took_ms, probe, lj_mono_ms());
  if (code == LJ_OK) watched->fresh = false;
  watched->engine->health_at_ms = 0;
  tell_change(watched);
}

void lj_health_told(lj_engine *engine, const lj_provider_config *provider, int code, int64_t took_ms) {
  if (lj_code_class(code) == LJ_CLASS_INTERNAL && code != LJ_OK) return; /* our own trouble */
  hear(&engine->watched[provider->index], code, took_ms, false);
}

bool lj_health_fresh(const lj_engine *engine, const lj_provider_config *provider) { return engine->watched[provider->index].fresh; }

static void on_status(void *owner, int status) { ((lj_watched *)owner)->status = status; }

static void on_header(void *owner, const char *name, size_t name_length, const char *value, size_t value_length) {
  (void)owner, (void)name, (void)name_length, (void)value, (void)value_length;
}

/* What it lists is of no interest here; enough of it is read for the connection to be used again. */
static int on_body(void *owner, const char *bytes, size_t length) {
  lj_watched *watched = owner;
  (void)bytes, (void)length;
  if (watched->probe != NULL) lj_http_touch(watched->probe);
  return watched->probe != NULL && lj_http_call_bytes(watched->probe) > MAX_PROBE_BYTES ? LJ_CLOSED : LJ_OK;
}

static int code_of_status(int status) {
  if (status >= 500) return LJ_SERVER_ERROR;
  if (status == 401 || status == 403) return LJ_AUTH;
  if (status == 429) return LJ_RATE_LIMITED;
  return status >= 200 && status < 300 ? LJ_OK : LJ_BAD_REQUEST; /* a server without such a list is there all the same */
}

static void on_end(void *owner, int code, const lj_fault *fault) {
  lj_watched *watched = owner;
  lj_engine *engine = watched->engine;
  bool failed = watched->health.failures > 0;
  (void)fault;
  watched->probe = NULL;
  lj_wire_free(&watched->wire);
  if (code == LJ_OK) code = code_of_status(watched->status);
  hear(watched, code, lj_mono_ms() - watched->probed_ms, true);
  /* What waits because nobody could be reached need not wait for its own next try. */
  if (failed && watched->health.failures == 0) lj_lanes_nudge(&engine->lanes, watched->provider, 0, lj_mono_ms());
}

/* The first key that is there; a probe asks the app for none. */
static const char *key_of(const lj_watched *watched, int64_t now_ms) {
  const lj_keys *keys = &watched->provider->keys;
  for (size_t i = 0; i < keys->count; i++)
    if (lj_keys_state(keys, i, now_ms) == LJ_KEY_READY) return keys->items[i].value;
  return NULL;
}

static void probe(lj_watched *watched, int64_t now_ms) {
  const lj_provider_config *provider = watched->provider;
  const char *key = key_of(watched, now_ms);
  lj_fault fault;
  lj_endpoint endpoint = {.provider = provider->name, .base_url = provider->base_url, .api_key = key, .headers = provider->headers};
  watched->health.probe_at_ms = now_ms + watched->provider->health.interval_ms; /* unless the probe's end says otherwise */
  if (provider->format->build_models == NULL || (provider->keys.count > 0 && key == NULL)) return;
  lj_fault_clear(&fault);
  lj_wire_init(&watched->wire);
  watched->status = 0;
  watched->probed_ms = now_ms;
  int code = provider->format->build_models(&endpoint, &watched->wire, &fault);
  if (code == LJ_OK) {
    lj_call_options options = {
        .wire = &watched->wire,
        .timeouts = {PROBE_MS, PROBE_MS, PROBE_MS, PROBE_MS},
        .target = provider->name,
        .proxy = provider->proxy,
        .ca_file = provider->ca_file,
        .fresh = watched->fresh,
        .listener = {.owner = watched, .on_status = on_status, .on_header = on_header, .on_body = on_body, .on_end = on_end}};
    code = lj_http_start(watched->engine->http, &options, &watched->probe, &fault);
  }
  if (code != LJ_OK) lj_wire_free(&watched->wire); /* memory is short: the next time */
}

static void start_server(lj_watched *watched, const char *action) {
  lj_log *log = &watched->engine->log;
  const char *program = watched->provider->command[0];
  watched->ending = false;
  int code = lj_child_start(&watched->child, watched->provider->command);
  if (code != LJ_OK) {
    lj_log_write(log, LJ_LOG_ERROR, "provider %s: the server %s can't be started: %s", watched->provider->name, program,
                 code == LJ_NOT_FOUND ? "there is no such program" : lj_code_name(code));
    return;
  }
  lj_log_write(log, LJ_LOG_INFO, "provider %s: started the server %s, process %lld", watched->provider->name, program,
               (long long)watched->child.id);
  tell(watched, action);
}

static void restart(lj_watched *watched, int64_t now_ms) {
  watched->fresh = true;
  if (watched->provider->command == NULL) {
    lj_log_write(&watched->engine->log, LJ_LOG_INFO, "provider %s keeps failing: its connections are made anew",
                 watched->provider->name);
    tell(watched, "reconnect");
  } else if (lj_child_running(&watched->child)) {
    lj_child_end(&watched->child, false);
    watched->ending = true;
    watched->force_at_ms = now_ms + END_MS;
  } else if (!watched->health.reachable) {
    start_server(watched, "restart");
  } else {
    lj_log_write(&watched->engine->log, LJ_LOG_WARN, "provider %s keeps failing, and the server at its address is not ours to restart",
                 watched->provider->name);
    tell(watched, "reconnect");
  }
}

static int64_t earlier(int64_t first, int64_t second) { return first < second ? first : second; }

/* Looks after one provider; returns when it must be looked after again. */
static int64_t watch(lj_watched *watched, int64_t now_ms) {
  lj_health *health = &watched->health;
  bool ran = watched->child.id != 0;
  bool runs = lj_child_running(&watched->child);
  if (watched->ending && runs && now_ms >= watched->force_at_ms) lj_child_end(&watched->child, true);
  if (watched->ending && !runs)
    start_server(watched, "restart");
  else if (ran && !runs)
    lj_log_write(&watched->engine->log, LJ_LOG_WARN, "provider %s: its server has ended by itself", watched->provider->name);
  bool missing = watched->provider->command != NULL && !watched->started && health->known && !health->reachable;
  if (missing) {
    watched->started = true;
    start_server(watched, "start");
  } else if (!watched->ending && lj_health_restarts(health, now_ms)) {
    restart(watched, now_ms);
  }
  if (watched->probe == NULL && now_ms >= health->probe_at_ms) probe(watched, now_ms);
  int64_t next = watched->probe == NULL ? health->probe_at_ms : INT64_MAX;
  if (watched->child.id != 0) next = earlier(next, now_ms + CHILD_MS);
  if (health->failures >= health->rules.failures) next = earlier(next, health->restart_at_ms);
  return next;
}

void lj_health_turn(lj_engine *engine, int64_t now_ms) {
  if (now_ms < engine->health_at_ms || engine->draining) return;
  int64_t next = INT64_MAX;
  for (size_t i = 0; engine->config.allows_llm && i < engine->config.provider_count; i++) next = earlier(next, watch(&engine->watched[i], now_ms));
  engine->health_at_ms = next;
}

cJSON *lj_health_json(const lj_engine *engine) {
  cJSON *list = cJSON_CreateArray();
  int code = list != NULL ? LJ_OK : LJ_NOMEM;
  for (size_t i = 0; code == LJ_OK && i < engine->config.provider_count; i++) {
    cJSON *item = cJSON_CreateObject();
    code = item != NULL ? LJ_OK : LJ_NOMEM;
    if (code == LJ_OK) put_status(item, &engine->watched[i], &code);
    if (code == LJ_OK)
      code = lj_json_push_value(list, item);
    else
      cJSON_Delete(item);
  }
  if (code == LJ_OK) return list;
  cJSON_Delete(list);
  return NULL;
}
