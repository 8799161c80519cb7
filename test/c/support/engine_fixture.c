/* SPDX-License-Identifier: MIT */
#include "support/engine_fixture.h"

#include <errno.h>
#include <time.h>

/* Requests are counted and answered one by one in these tests: a probe would come between them. */
#define UNPROBED "\"health\":{\"intervalMs\":0}"

enum { WAIT_SECONDS = 20 };

static void on_events(void *owner) {
  event_log *log = owner;
  (void)pthread_mutex_lock(&log->lock);
  log->waiting = true;
  log->calls++;
  (void)pthread_cond_broadcast(&log->changed);
  (void)pthread_mutex_unlock(&log->lock);
}

void event_log_open(event_log *log) {
  memset(log, 0, sizeof *log);
  assert_int_equal(pthread_mutex_init(&log->lock, NULL), 0);
  assert_int_equal(pthread_cond_init(&log->changed, NULL), 0);
  log->seen = cJSON_CreateArray();
  assert_non_null(log->seen);
}

void event_log_close(event_log *log) {
  lj_engine_stop(log->engine);
  log->engine = NULL;
  cJSON_Delete(log->seen);
  log->seen = NULL;
  (void)pthread_mutex_destroy(&log->lock);
  (void)pthread_cond_destroy(&log->changed);
}

void event_log_start(event_log *log, const char *config) {
  lj_engine_options options = {.config = config, .on_events = on_events, .owner = log};
  char *error = NULL;
  int code = lj_engine_start(&options, &log->engine, &error);
  if (code != LJ_OK) fail_msg("%s: %s", lj_code_name(code), error != NULL ? error : "?");
  assert_null(error);
}

/* {channel, payload}, {id, channel, payload} or {id, channel, error: {code, message}}. */
static void check_shape(const cJSON *message) {
  const cJSON *error = lj_json_get(message, "error");
  assert_true(cJSON_IsObject(message));
  assert_non_null(lj_json_string(message, "channel"));
  assert_true((error == NULL) != (lj_json_object(message, "payload") == NULL));
  if (error != NULL) {
    assert_non_null(lj_json_string(error, "code"));
    assert_non_null(lj_json_string(error, "message"));
    assert_non_null(lj_json_string(message, "id"));
  }
}

void event_log_collect(event_log *log) {
  char *text = NULL;
  assert_code(lj_engine_take(log->engine, &text), LJ_OK);
  if (text == NULL) return;
  cJSON *array = json_of(text);
  lj_engine_free_text(text);
  assert_true(cJSON_IsArray(array));
  assert_true(cJSON_GetArraySize(array) > 0);
  for (cJSON *message; (message = cJSON_DetachItemFromArray(array, 0)) != NULL;) {
    check_shape(message);
    assert_code(lj_json_push_value(log->seen, message), LJ_OK);
  }
  cJSON_Delete(array);
}

void event_log_wait(event_log *log, bool (*done)(event_log *, const void *), const void *what, const char *description) {
  struct timespec until;
  bool late = false;
  (void)clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += WAIT_SECONDS;
  for (;;) {
    (void)pthread_mutex_lock(&log->lock);
    log->waiting = false;
    (void)pthread_mutex_unlock(&log->lock);
    event_log_collect(log);
    if (done(log, what)) return;
    if (late) {
      char *seen = text_of(log->seen);
      print_error("seen: %s\n", seen);
      lj_free(seen);
      fail_msg("waited in vain for %s", description);
    }
    (void)pthread_mutex_lock(&log->lock);
    while (!log->waiting && !late) late = pthread_cond_timedwait(&log->changed, &log->lock, &until) == ETIMEDOUT;
    (void)pthread_mutex_unlock(&log->lock);
  }
}

static const cJSON *find_message(const event_log *log, const char *id, const char *channel) {
  const cJSON *message = NULL;
  cJSON_ArrayForEach(message, log->seen) {
    const char *its_id = lj_json_string(message, "id");
    bool same = id == NULL ? its_id == NULL : its_id != NULL && strcmp(its_id, id) == 0;
    if (same && (channel == NULL || strcmp(lj_json_string(message, "channel"), channel) == 0)) return message;
  }
  return NULL;
}

static bool has_event(event_log *log, const void *what) { return find_message(log, NULL, what) != NULL; }
static bool has_answer(event_log *log, const void *what) { return find_message(log, what, NULL) != NULL; }

const cJSON *payload_of(const cJSON *message) { return lj_json_object(message, "payload"); }

const cJSON *wait_event(event_log *log, const char *channel) {
  event_log_wait(log, has_event, channel, channel);
  return payload_of(find_message(log, NULL, channel));
}

const cJSON *ask_log(event_log *log, const char *id, const char *channel, const char *payload) {
  char message[1024];
  (void)snprintf(message, sizeof message, "{\"id\":\"%s\",\"channel\":\"%s\"%s%s}", id, channel, payload != NULL ? ",\"payload\":" : "",
                 payload != NULL ? payload : "");
  assert_code(lj_engine_send(log->engine, message), LJ_OK);
  event_log_wait(log, has_answer, id, message);
  return find_message(log, id, NULL);
}

const cJSON *ask(engine_fixture *fixture, const char *channel, const char *payload) {
  char id[16];
  (void)snprintf(id, sizeof id, "ask-%d", ++fixture->next_id % 100000);
  return ask_log(&fixture->events, id, channel, payload);
}

int64_t stat_of(engine_fixture *fixture, const char *key) {
  return lj_json_int(payload_of(ask(fixture, "worker:stats", NULL)), key, -1);
}

typedef struct wanted_job {
  const char *id;
  const char *status;
} wanted_job;

static bool has_job(event_log *log, const void *what) {
  const wanted_job *wanted = what;
  const cJSON *message = NULL;
  const cJSON *item = NULL;
  cJSON_ArrayForEach(message, log->seen) {
    if (strcmp(lj_json_string(message, "channel"), "worker:job") != 0) continue;
    cJSON_ArrayForEach(item, lj_json_array(payload_of(message), "jobs")) {
      if (strcmp(lj_json_string(item, "id"), wanted->id) == 0 && strcmp(lj_json_string(item, "status"), wanted->status) == 0) return true;
    }
  }
  return false;
}

void wait_job(engine_fixture *fixture, const char *id, const char *status) {
  wanted_job wanted = {id, status};
  char description[128];
  (void)snprintf(description, sizeof description, "job %s to be %s", id, status);
  event_log_wait(&fixture->events, has_job, &wanted, description);
}

const char *job_events(engine_fixture *fixture, const char *id) {
  static char out[4096];
  size_t used = 0;
  const cJSON *message = NULL;
  const cJSON *item = NULL;
  out[0] = '\0';
  cJSON_ArrayForEach(message, fixture->events.seen) {
    if (strcmp(lj_json_string(message, "channel"), "worker:job") != 0) continue;
    cJSON_ArrayForEach(item, lj_json_array(payload_of(message), "jobs")) {
      const char *code = lj_json_string(item, "code");
      if (strcmp(lj_json_string(item, "id"), id) != 0) continue;
      used += (size_t)snprintf(out + used, sizeof out - used, "%s%s/%lld%s%s", used > 0 ? " " : "", lj_json_string(item, "status"),
                               (long long)lj_json_int(item, "attempt", -1), code != NULL ? ":" : "", code != NULL ? code : "");
    }
  }
  return out;
}

/* --- The engine --- */

int engine_setup(void **state) {
  engine_fixture *fixture = calloc(1, sizeof *fixture);
  assert_non_null(fixture);
  *state = fixture;
  queue_fixture_open(&fixture->queue);
  assert_int_equal(sqlite3_busy_timeout(fixture->queue.app, 20000), SQLITE_OK);
  queue_open_store(&fixture->queue); /* makes the table, as new Queue(db) would have */
  queue_close_store(&fixture->queue);
  fixture->server = loopback_start();
  assert_non_null(fixture->server);
  event_log_open(&fixture->events);
  return 0;
}

int engine_teardown(void **state) {
  engine_fixture *fixture = *state;
  lj_memory_fail_at(0, 0);
  if (sqlite3_get_autocommit(fixture->queue.app) == 0) (void)sqlite3_exec(fixture->queue.app, "ROLLBACK", NULL, NULL, NULL);
  event_log_close(&fixture->events);
  loopback_stop(fixture->server);
  for (size_t i = 0; i < fixture->kept_count; i++) free(fixture->kept[i]);
  bool tidy = queue_fixture_close(&fixture->queue);
  free(fixture);
  return tidy ? 0 : -1;
}

const char *engine_config(engine_fixture *fixture, const char *worker_id, const char *root, const char *provider) {
  int port = loopback_port(fixture->server);
  int length = snprintf(fixture->config, sizeof fixture->config,
                        "{\"database\":\"%s\",\"workerId\":\"%s\",\"pollIntervalMs\":10,\"logLevel\":\"debug\"%s,\"providers\":{"
                        "\"p\":{\"kind\":\"openai-compatible\",\"baseUrl\":\"http://127.0.0.1:%d/v1\"," UNPROBED "%s},"
                        "\"o\":{\"kind\":\"ollama\",\"baseUrl\":\"http://127.0.0.1:%d\"," UNPROBED "},"
                        "\"gone\":{\"kind\":\"ollama\",\"baseUrl\":\"http://127.0.0.1:%d\"," UNPROBED "}},"
                        "\"models\":{\"both\":[\"p/first\",\"o/second\"],\"lost\":[\"gone/x\",\"p/first\"]}}",
                        fixture->queue.path, worker_id, root, port, provider, port, loopback_refused_port());
  assert_in_range(length, 1, sizeof fixture->config - 1);
  return fixture->config;
}

void engine_start(engine_fixture *fixture, const char *root, const char *provider) {
  event_log_start(&fixture->events, engine_config(fixture, "w", root, provider));
  (void)wait_event(&fixture->events, "worker:ready");
}

void engine_stop(engine_fixture *fixture) {
  lj_engine_stop(fixture->events.engine);
  fixture->events.engine = NULL;
}

void add_job(engine_fixture *fixture, const char *id, const char *model, const char *data) {
  app_run(&fixture->queue, "INSERT INTO llm_jobs (id, name, model, data) VALUES (%Q, 'job', %Q, %Q)", id, model, data);
}

void assert_completed(engine_fixture *fixture, const char *id) {
  assert_rows(&fixture->queue, "completed|1|0|100|" NO_LEASE, JOB_ROW, id);
  assert_rows(&fixture->queue, "Hello world|stop|served|3|2|-|-|1",
              "SELECT json_extract(result, '$.text'), json_extract(result, '$.finishReason'), json_extract(result, '$.model'), "
              "json_extract(result, '$.usage.inputTokens'), json_extract(result, '$.usage.outputTokens'), error, partial, "
              "finished_on >= processed_on AND processed_on >= created_at FROM llm_jobs WHERE id = %Q",
              id);
}

/* --- Replies --- */

const char *http_reply(engine_fixture *fixture, int status, const char *type, const char *head, const char *body) {
  size_t size = strlen(type) + strlen(head) + strlen(body) + 200;
  char *text = malloc(size);
  assert_non_null(text);
  assert_true(fixture->kept_count < ENGINE_FIXTURE_REPLIES);
  fixture->kept[fixture->kept_count++] = text;
  (void)snprintf(text, size, "HTTP/1.1 %d Status\r\nContent-Type: %s\r\n%sContent-Length: %zu\r\n\r\n%s", status, type, head, strlen(body), body);
  return text;
}

const char *sse_reply(engine_fixture *fixture) {
  return http_reply(fixture, 200, "text/event-stream", "X-Request-Id: req-1\r\n", SSE_HELLO);
}

const char *ollama_reply(engine_fixture *fixture) {
  return http_reply(fixture, 200, "application/x-ndjson", "",
                    "{\"model\":\"served\",\"message\":{\"role\":\"assistant\",\"content\":\"Hello\"},\"done\":false}\n"
                    "{\"model\":\"served\",\"message\":{\"role\":\"assistant\",\"content\":\" world\"},\"done\":false}\n"
                    "{\"model\":\"served\",\"message\":{\"role\":\"assistant\",\"content\":\"\"},\"done\":true,\"done_reason\":\"stop\","
                    "\"prompt_eval_count\":3,\"eval_count\":2}\n");
}

void script(engine_fixture *fixture, const char *bytes) { loopback_script(fixture->server, (loopback_reply){.bytes = bytes}); }

void script_for(engine_fixture *fixture, const char *when, const char *bytes) {
  loopback_script(fixture->server, (loopback_reply){.when = when, .bytes = bytes});
}
