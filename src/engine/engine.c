/* SPDX-License-Identifier: MIT */
#include <cjson/cJSON.h>
#include <curl/curl.h>
#include <nghttp2/nghttp2ver.h>
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <sqlite3.h>
#include <string.h>
#ifndef _WIN32
#include <openssl/opensslv.h>
#endif

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "engine/state.h"

#define LJ_VERSION "0.1.0"

enum { OPEN_MS = 30000 /* for another process to let go of the write lock at start */ };

/* A log line becomes an event: whoever started the engine decides where it goes. */
static void write_log(void *owner, lj_log_level level, const char *line) {
  lj_engine *engine = owner;
  cJSON *payload = cJSON_CreateObject();
  int code = payload != NULL ? lj_json_put_string(payload, "level", lj_log_level_name(level)) : LJ_NOMEM;
  if (code == LJ_OK) code = lj_json_put_string(payload, "line", line);
  if (code != LJ_OK) {
    cJSON_Delete(payload);
    payload = NULL;
  }
  lj_outbox_post(&engine->outbox, NULL, "worker:log", payload);
}

static void write_error(char **error, const lj_fault *fault) {
  if (error == NULL) return;
  *error = NULL;
  cJSON *object = cJSON_CreateObject();
  lj_buffer text;
  lj_buffer_init(&text, LJ_MAX_COMMAND_BYTES);
  int code = object != NULL ? lj_json_put_string(object, "code", lj_code_name(fault->code)) : LJ_NOMEM;
  if (code == LJ_OK) code = lj_json_put_string(object, "message", fault->message);
  if (code == LJ_OK) code = lj_json_print(object, &text);
  if (code == LJ_OK) *error = lj_buffer_take(&text);
  lj_buffer_free(&text);
  cJSON_Delete(object);
}

static void engine_free(lj_engine *engine, bool mailbox, bool outbox) {
  lj_health_close(engine);
  lj_remote_close(engine);
  lj_batch_close(engine);
  lj_loads_close(engine);
  lj_http_close(engine->http);
  lj_lanes_free(&engine->lanes);
  lj_zones_free(&engine->zones);
  lj_spending_free(&engine->spending);
  lj_cancels_free(&engine->cancels);
  lj_requests_free(&engine->requests);
  lj_names_free(&engine->paused_queues);
  lj_names_free(&engine->held_lanes);
  lj_names_free(&engine->followed);
  lj_free(engine->drain_id);
  if (mailbox) lj_mailbox_destroy(&engine->mailbox);
  if (outbox) lj_outbox_destroy(&engine->outbox);
  lj_config_free(&engine->config);
  lj_free(engine);
}

static int post_first(lj_engine *engine, const char *messages) {
  cJSON *list = NULL;
  const cJSON *one = NULL;
  int code = lj_json_parse(messages, strlen(messages), &list);
  if (code == LJ_OK && !cJSON_IsArray(list)) code = LJ_INVALID;
  cJSON_ArrayForEach(one, list) {
    lj_buffer text;
    lj_buffer_init(&text, LJ_MAX_COMMAND_BYTES);
    if (code == LJ_OK) code = lj_json_print(one, &text);
    if (code == LJ_OK) code = lj_mailbox_post(&engine->mailbox, text.data);
    lj_buffer_free(&text);
  }
  cJSON_Delete(list);
  return code;
}

int lj_engine_start(const lj_engine_options *options, lj_engine **out, char **error) {
  lj_fault fault;
  bool mailbox = false;
  bool outbox = false;
  bool http = false;
  *out = NULL;
  if (error != NULL) *error = NULL;
  lj_fault_clear(&fault);
  lj_memory_init();
  lj_engine *engine = lj_calloc(1, sizeof *engine);
  if (engine == NULL) return LJ_NOMEM;

  int code = lj_config_parse(options->config, &engine->config, &fault);
  if (code != LJ_OK) goto cleanup;
  code = lj_mailbox_init(&engine->mailbox);
  mailbox = code == LJ_OK;
  if (code == LJ_OK) code = lj_outbox_init(&engine->outbox, options->on_events, options->owner);
  outbox = mailbox && code == LJ_OK;
  if (code == LJ_OK) code = lj_http_global_init();
  http = outbox && code == LJ_OK;
  if (code == LJ_OK) code = lj_http_open(engine->config.concurrency, &engine->http);
  if (code == LJ_OK) code = lj_owner_make(engine->config.worker_id, engine->lease_owner);
  if (code == LJ_OK && options->messages != NULL) code = post_first(engine, options->messages);
  if (code != LJ_OK) goto cleanup;

  engine->log = (lj_log){.level = engine->config.log_level, .write = write_log, .owner = engine};
  lj_config_policy_warn(&engine->config, &engine->log);
  lj_lanes_init(&engine->lanes);
  lj_zones_init(&engine->zones);
  engine->started_ms = lj_mono_ms();
  engine->last_turn_us = engine->started_ms * 1000;
  engine->throttle = LJ_MAX_CONCURRENCY;
  lj_beat_init(&engine->beat, engine->started_ms);
  engine->open_until_ms = engine->started_ms + OPEN_MS;
  engine->due_wall_ms = INT64_MAX;
  engine->share.changed = true;
  code = lj_health_open(engine);
  if (code != LJ_OK) goto cleanup;
  engine->expiry_wall_ms = INT64_MAX;
  code = lj_thread_start(&engine->thread, "llm-jobs", lj_loop, engine);
  if (code == LJ_OK) {
    *out = engine;
    return LJ_OK;
  }

cleanup:
  if (fault.code == LJ_OK) lj_fault_set(&fault, code, "the engine can't start: %s", lj_code_name(code));
  write_error(error, &fault);
  engine_free(engine, mailbox, outbox);
  if (http) lj_http_global_cleanup();
  return code;
}

int lj_engine_send(lj_engine *engine, const char *message) {
  int code = lj_mailbox_post(&engine->mailbox, message);
  if (code == LJ_OK) lj_http_wake(engine->http);
  return code;
}

void lj_engine_notify(lj_engine *engine) {
  if (lj_mailbox_notify(&engine->mailbox)) lj_http_wake(engine->http);
}

int lj_engine_take(lj_engine *engine, char **events) { return lj_outbox_take(&engine->outbox, events); }

void lj_engine_free_text(char *text) { lj_free(text); }

void lj_engine_stop(lj_engine *engine) {
  if (engine == NULL) return;
  atomic_store(&engine->mailbox.stop, true);
  lj_http_wake(engine->http);
  lj_thread_join(&engine->thread);
  engine_free(engine, true, true);
  lj_http_global_cleanup();
}

const char *lj_engine_code_name(int code) { return lj_code_name(code); }

/* Everything is linked in, so what was compiled against is what runs. */
#ifdef _WIN32
#define LJ_TLS_VERSION "Schannel"
#else
#define LJ_TLS_VERSION "OpenSSL/" OPENSSL_VERSION_STR
#endif
#define LJ_TEXT(value) #value
#define LJ_NUMBER(value) LJ_TEXT(value)

const char *lj_engine_versions(void) {
  return "{\"version\":\"" LJ_VERSION "\",\"curl\":\"" LIBCURL_VERSION "\",\"tls\":\"" LJ_TLS_VERSION "\",\"http2\":\"" NGHTTP2_VERSION
         "\",\"sqlite\":\"" SQLITE_VERSION "\",\"cjson\":\"" LJ_NUMBER(CJSON_VERSION_MAJOR) "." LJ_NUMBER(CJSON_VERSION_MINOR) "." LJ_NUMBER(
             CJSON_VERSION_PATCH) "\",\"pcre2\":\"" LJ_NUMBER(PCRE2_MAJOR) "." LJ_NUMBER(PCRE2_MINOR) "\"}";
}
