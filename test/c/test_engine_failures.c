/* SPDX-License-Identifier: MIT
 *
 * What each kind of trouble means: for the job, for the lane, for the breaker, and for a route that has another target.
 */
#include <time.h>

#include "support/engine_fixture.h"

#define ERROR(fields) "{\"error\":{" fields "}}"

typedef enum lane_after { LANE_FREE, LANE_PAUSED } lane_after;
typedef enum feeding { FEEDS_NOTHING, FEEDS_BREAKER } feeding;
typedef enum fallback { NO_FALLBACK, FALLBACK } fallback;

typedef struct trouble {
  const char *what;
  const char *base_url;  /* NULL: the server's */
  int status;            /* 0: the connection ends as `then` says */
  const char *type;
  const char *body;
  loopback_then then;
  const char *row;       /* status|attempts|code after one try, of two */
  lane_after lane;
  feeding breaker;
  fallback next;
} trouble;

#define JSON "application/json"
#define SSE "text/event-stream"

static const trouble troubles[] = {
    {"400", NULL, 400, JSON, ERROR("\"message\":\"no\""), 0, "failed|1|BAD_REQUEST", LANE_FREE, FEEDS_NOTHING, NO_FALLBACK},
    {"422", NULL, 422, JSON, ERROR("\"message\":\"no\""), 0, "failed|1|BAD_REQUEST", LANE_FREE, FEEDS_NOTHING, NO_FALLBACK},
    {"context", NULL, 400, JSON, ERROR("\"message\":\"no\",\"code\":\"context_length_exceeded\""), 0, "failed|1|CONTEXT_LENGTH", LANE_FREE, FEEDS_NOTHING, NO_FALLBACK},
    {"filter", NULL, 400, JSON, ERROR("\"message\":\"no\",\"code\":\"content_filter\""), 0, "failed|1|CONTENT_FILTERED", LANE_FREE, FEEDS_NOTHING, NO_FALLBACK},
    {"413", NULL, 413, JSON, ERROR("\"message\":\"no\""), 0, "failed|1|BAD_REQUEST", LANE_FREE, FEEDS_NOTHING, NO_FALLBACK},
    {"401", NULL, 401, JSON, ERROR("\"message\":\"no\""), 0, "failed|1|AUTH", LANE_FREE, FEEDS_NOTHING, FALLBACK},
    {"403", NULL, 403, JSON, ERROR("\"message\":\"no\""), 0, "failed|1|AUTH", LANE_FREE, FEEDS_NOTHING, FALLBACK},
    {"402", NULL, 402, JSON, ERROR("\"message\":\"no\""), 0, "failed|1|QUOTA_EXCEEDED", LANE_FREE, FEEDS_NOTHING, FALLBACK},
    {"429 without money", NULL, 429, JSON, ERROR("\"message\":\"no\",\"code\":\"insufficient_quota\""), 0, "failed|1|QUOTA_EXCEEDED", LANE_FREE, FEEDS_NOTHING, FALLBACK},
    {"404", NULL, 404, JSON, ERROR("\"message\":\"no\""), 0, "failed|1|MODEL_NOT_FOUND", LANE_FREE, FEEDS_NOTHING, FALLBACK},
    {"408", NULL, 408, JSON, ERROR("\"message\":\"no\""), 0, "delayed|1|SERVER_ERROR", LANE_FREE, FEEDS_NOTHING, FALLBACK},
    {"409", NULL, 409, JSON, ERROR("\"message\":\"no\""), 0, "delayed|1|SERVER_ERROR", LANE_FREE, FEEDS_NOTHING, FALLBACK},
    {"429", NULL, 429, JSON, ERROR("\"message\":\"no\""), 0, "waiting|0|RATE_LIMITED", LANE_PAUSED, FEEDS_NOTHING, FALLBACK},
    {"500", NULL, 500, JSON, ERROR("\"message\":\"no\""), 0, "delayed|1|SERVER_ERROR", LANE_FREE, FEEDS_BREAKER, FALLBACK},
    {"502", NULL, 502, "text/html", "<html>bad gateway</html>", 0, "delayed|1|SERVER_ERROR", LANE_FREE, FEEDS_BREAKER, FALLBACK},
    {"504", NULL, 504, JSON, "", 0, "delayed|1|SERVER_ERROR", LANE_FREE, FEEDS_BREAKER, FALLBACK},
    {"524", NULL, 524, JSON, "", 0, "delayed|1|SERVER_ERROR", LANE_FREE, FEEDS_BREAKER, FALLBACK},
    {"503", NULL, 503, JSON, ERROR("\"message\":\"no\""), 0, "delayed|1|OVERLOADED", LANE_FREE, FEEDS_BREAKER, FALLBACK},
    {"529", NULL, 529, JSON, ERROR("\"message\":\"no\""), 0, "delayed|1|OVERLOADED", LANE_FREE, FEEDS_BREAKER, FALLBACK},
    {"error after text", NULL, 200, SSE, SSE_TEXT("Hal") "data: " ERROR("\"message\":\"no\",\"code\":500") "\n\n", 0, "delayed|1|SERVER_ERROR", LANE_FREE, FEEDS_BREAKER, FALLBACK},
    {"overloaded in 200", NULL, 200, SSE, "data: " ERROR("\"message\":\"no\",\"type\":\"overloaded_error\"") "\n\n", 0, "delayed|1|OVERLOADED", LANE_FREE, FEEDS_BREAKER, FALLBACK},
    {"cut stream", NULL, 200, SSE, SSE_TEXT("Hal"), 0, "delayed|1|PROTOCOL", LANE_FREE, FEEDS_BREAKER, FALLBACK},
    {"broken connection", NULL, 0, NULL, NULL, LOOPBACK_RESET, "delayed|1|PROTOCOL", LANE_FREE, FEEDS_BREAKER, FALLBACK},
    {"silence", NULL, 0, NULL, NULL, LOOPBACK_SILENT, "delayed|1|TIMEOUT_FIRST_BYTE", LANE_FREE, FEEDS_BREAKER, FALLBACK},
#ifndef _WIN32 /* Schannel asks for the file only when it has the server's certificate, and this server speaks no TLS */
    {"certificates that are not there", "https", 0, NULL, NULL, LOOPBACK_CLOSE, "delayed|1|TLS", LANE_FREE, FEEDS_BREAKER, FALLBACK},
#endif
    {"refused", "refused", 0, NULL, NULL, 0, "waiting|0|UNREACHABLE", LANE_PAUSED, FEEDS_NOTHING, FALLBACK},
    {"no such name", "https://no-such-host.invalid/v1", 0, NULL, NULL, 0, "waiting|0|UNREACHABLE", LANE_PAUSED, FEEDS_NOTHING, FALLBACK},
};

static void start_with(engine_fixture *fixture, const trouble *is, int threshold) {
  char config[2048];
  char url[128];
  int port = loopback_port(fixture->server);
  (void)snprintf(url, sizeof url, "http://127.0.0.1:%d/v1", port);
  if (is->base_url != NULL && strcmp(is->base_url, "https") == 0)
    (void)snprintf(url, sizeof url, "https://127.0.0.1:%d/v1", port);
  else if (is->base_url != NULL && strcmp(is->base_url, "refused") == 0)
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d/v1", loopback_refused_port());
  else if (is->base_url != NULL)
    (void)snprintf(url, sizeof url, "%s", is->base_url);
  int length = snprintf(config, sizeof config,
                        "{\"database\":\"%s\",\"pollIntervalMs\":10,\"logLevel\":\"silent\",\"concurrency\":1,\"providers\":{"
                        "\"p\":{\"kind\":\"openai-compatible\",\"baseUrl\":\"%s\",\"breaker\":{\"threshold\":%d},\"timeouts\":{\"firstByteMs\":100}%s},"
                        "\"o\":{\"kind\":\"ollama\",\"baseUrl\":\"http://127.0.0.1:%d\"}},"
                        "\"models\":{\"both\":[\"p/x\",\"o/y\"]}}",
                        fixture->queue.path, url, threshold,
                        is->base_url != NULL && strcmp(is->base_url, "https") == 0 ? ",\"caFile\":\"/no/such/file.pem\"" : "", port);
  assert_in_range(length, 1, sizeof config - 1);
  event_log_start(&fixture->events, config);
  (void)wait_event(&fixture->events, "worker:ready");
}

static void stop(engine_fixture *fixture) {
  engine_stop(fixture);
  event_log_close(&fixture->events);
  event_log_open(&fixture->events);
}

static void wait_text(engine_fixture *fixture, const char *what, const char *sql, const char *wanted) {
  const struct timespec pause = {0, 2000000};
  for (int i = 0; i < 5000; i++) {
    if (strcmp(app_text(&fixture->queue, sql), wanted) == 0) return;
    (void)nanosleep(&pause, NULL);
  }
  fail_msg("%s: %s, not %s", what, app_text(&fixture->queue, sql), wanted);
}

static const char *state_of_lane(engine_fixture *fixture, const char *name) {
  const cJSON *lane = NULL;
  const cJSON *stats = payload_of(ask(fixture, "worker:stats", NULL));
  cJSON_ArrayForEach(lane, lj_json_array(stats, "lanes"))
    if (strcmp(lj_json_string(lane, "lane"), name) == 0) return lj_json_string(lane, "state");
  return "none";
}

static void add(engine_fixture *fixture, const char *id, const char *model) {
  add_job(fixture, id, model, HELLO);
  app_run(&fixture->queue, "UPDATE llm_jobs SET max_attempts = 2, opts = '{\"backoff\":{\"type\":\"fixed\",\"delayMs\":600000}}' WHERE id = %Q", id);
}

#define ROW "SELECT status || '|' || attempts || '|' || json_extract(error, '$.code') FROM llm_jobs WHERE id = "

static void check(engine_fixture *fixture, const trouble *is) {
  static const char both[] = "SELECT status || '|' || ifnull(json_extract(result, '$.provider'), '') FROM llm_jobs WHERE id = 'both'";
  const char *reply = is->status > 0 ? http_reply(fixture, is->status, is->type, "", is->body) : NULL;
  app_run(&fixture->queue, "DELETE FROM llm_jobs");
  loopback_clear(fixture->server);
  loopback_script(fixture->server, (loopback_reply){.when = "/api/", .bytes = ollama_reply(fixture)});
  loopback_script(fixture->server, (loopback_reply){.bytes = reply, .then = is->then});

  start_with(fixture, is, 100);
  add(fixture, "one", "p/x");
  wait_text(fixture, is->what, ROW "'one'", is->row);
  assert_string_equal(state_of_lane(fixture, "p/x"), is->lane == LANE_PAUSED ? "open" : "closed");
  stop(fixture);

  app_run(&fixture->queue, "DELETE FROM llm_jobs");
  start_with(fixture, is, 1);
  add(fixture, "both", "both");
  if (is->next == FALLBACK) {
    wait_text(fixture, is->what, both, "completed|o");
    assert_rows(&fixture->queue, "1|1|2", "SELECT attempts, json_extract(result, '$.fallbackUsed'), json_array_length(history) FROM llm_jobs");
  } else {
    wait_text(fixture, is->what, ROW "'both'", is->row);
  }
  bool open = strcmp(state_of_lane(fixture, "p/x"), "open") == 0;
  if (open != (is->lane == LANE_PAUSED || is->breaker == FEEDS_BREAKER)) fail_msg("%s: the lane is %s", is->what, open ? "open" : "closed");
  stop(fixture);
}

static void each_trouble_has_its_consequences(void **state) {
  engine_fixture *fixture = *state;
  for (size_t i = 0; i < COUNT_OF(troubles); i++) {
    check(fixture, &troubles[i]);
    /* The engine has closed its connections; until the server has seen that, it may still be sending what is freed here. */
    assert_true(loopback_wait_open(fixture->server, 0));
    while (fixture->kept_count > 0) free(fixture->kept[--fixture->kept_count]);
  }
}

static void job_too_long_for_one_target_goes_to_one_with_a_larger_context(void **state) {
  engine_fixture *fixture = *state;
  char config[2048];
  int port = loopback_port(fixture->server);
  script_for(fixture, "\"small\"", http_reply(fixture, 400, JSON, "", ERROR("\"message\":\"no\",\"code\":\"context_length_exceeded\"")));
  script(fixture, sse_reply(fixture));
  (void)snprintf(config, sizeof config,
                 "{\"database\":\"%s\",\"pollIntervalMs\":10,\"logLevel\":\"silent\",\"providers\":{\"p\":{\"kind\":\"openai-compatible\",\"baseUrl\":\"http://127.0.0.1:%d/v1\"}},"
                 "\"models\":{\"grows\":[{\"model\":\"p/small\",\"contextTokens\":8000},{\"model\":\"p/same\",\"contextTokens\":8000},\"p/unknown\",{\"model\":\"p/large\",\"contextTokens\":128000}],"
                 "\"shrinks\":[{\"model\":\"p/small\",\"contextTokens\":8000},{\"model\":\"p/tiny\",\"contextTokens\":4000}]}}",
                 fixture->queue.path, port);
  event_log_start(&fixture->events, config);
  add(fixture, "grows", "grows");
  add(fixture, "shrinks", "shrinks");
  wait_job(fixture, "grows", "completed");
  wait_job(fixture, "shrinks", "failed");
  assert_rows(&fixture->queue, "p/large|1|CONTEXT_LENGTH", "SELECT lane, json_extract(result, '$.fallbackUsed'), json_extract(history, '$[0].code') FROM llm_jobs WHERE id = 'grows'");
  assert_rows(&fixture->queue, "p/small|CONTEXT_LENGTH", "SELECT lane, json_extract(error, '$.code') FROM llm_jobs WHERE id = 'shrinks'");
  assert_int_equal(loopback_requests(fixture->server), 3);
}

static void target_that_refused_its_key_comes_last_from_then_on(void **state) {
  engine_fixture *fixture = *state;
  script_for(fixture, "/api/", ollama_reply(fixture));
  script(fixture, http_reply(fixture, 401, JSON, "", ERROR("\"message\":\"no\"")));
  engine_start(fixture, ",\"concurrency\":1", "");
  for (int i = 0; i < 5; i++) {
    char id[8];
    (void)snprintf(id, sizeof id, "j%d", i);
    add_job(fixture, id, "both", HELLO);
  }
  wait_job(fixture, "j4", "completed");
  assert_int_equal(loopback_requests(fixture->server), 6); /* only the first asked p */
  add_job(fixture, "alone", "p/first", HELLO);
  wait_job(fixture, "alone", "failed"); /* a job without another target is told at once */
}

static void job_waits_for_a_target_that_is_only_full(void **state) {
  engine_fixture *fixture = *state;
  loopback_script(fixture->server, (loopback_reply){.when = "/api/", .bytes = ollama_reply(fixture), .gate = 1});
  script(fixture, http_reply(fixture, 401, JSON, "", ERROR("\"message\":\"no\"")));
  engine_start(fixture, ",\"concurrency\":20", "");
  for (int i = 0; i < 12; i++) {
    char id[8];
    (void)snprintf(id, sizeof id, "j%d", i);
    add_job(fixture, id, "both", HELLO);
  }
  wait_text(fixture, "the others", "SELECT sum(status = 'active') || '|' || sum(status = 'waiting') FROM llm_jobs", "4|8");
  loopback_open_gate(fixture->server);
  wait_text(fixture, "all", "SELECT sum(status = 'completed') || '|' || sum(attempts) FROM llm_jobs", "12|12");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      engine_test(each_trouble_has_its_consequences),
      engine_test(job_too_long_for_one_target_goes_to_one_with_a_larger_context),
      engine_test(job_waits_for_a_target_that_is_only_full),
      engine_test(target_that_refused_its_key_comes_last_from_then_on),
  };
  lj_memory_init();
  return cmocka_run_group_tests_name("failures", tests, NULL, NULL);
}
