/* SPDX-License-Identifier: MIT
 *
 * Workers of one database stay within a provider's limits together, and leave a provider in peace that refuses or can't be
 * reached. The clock is virtual, so that minutes take no time.
 */
#include <time.h>

#include "base/clock.h"
#include "engine/state.h"
#include "support/engine_fixture.h"

enum { WALL = 1795230000, WORKERS = 3, STEP_MS = 200, MAX_STEPS = 12000 };

typedef struct world {
  engine_fixture *fixture;
  event_log workers[WORKERS]; /* beside the fixture's own, which is the first */
  size_t count;
  int64_t now_ms;             /* since the start */
  size_t arrived[MAX_STEPS];  /* requests at the server by the end of each step */
  size_t steps;
} world;

static int setup(void **state) {
  world *all = calloc(1, sizeof *all);
  void *fixture = NULL;
  assert_non_null(all);
  lj_clock_virtual((int64_t)WALL * 1000, 5000000);
  assert_int_equal(engine_setup(&fixture), 0);
  all->fixture = fixture;
  *state = all;
  return 0;
}

static int teardown(void **state) {
  world *all = *state;
  void *fixture = all->fixture;
  for (size_t i = 1; i < all->count; i++) event_log_close(&all->workers[i]);
  int code = engine_teardown(&fixture);
  lj_clock_real();
  free(all);
  return code;
}

static void real_pause(long milliseconds) {
  const struct timespec pause = {0, milliseconds * 1000000};
  (void)nanosleep(&pause, NULL);
}

static bool is_ready(const event_log *log) {
  const cJSON *message = NULL;
  cJSON_ArrayForEach(message, log->seen) if (strcmp(lj_json_string(message, "channel"), "worker:ready") == 0) return true;
  return false;
}

/* Opening waits for the lock, in virtual time. */
static void start_worker(event_log *log, const char *config) {
  event_log_start(log, config);
  for (int i = 0; !is_ready(log); i++) {
    assert_true(i < 4000);
    lj_clock_advance(1, 1000);
    real_pause(2);
    event_log_collect(log);
  }
}

static void start_workers(world *all, size_t count, const char *root, const char *provider) {
  start_worker(&all->fixture->events, engine_config(all->fixture, "w", root, provider));
  for (size_t i = 1; i < count; i++) {
    char id[16];
    (void)snprintf(id, sizeof id, "w%zu", i);
    event_log_open(&all->workers[i]);
    start_worker(&all->workers[i], engine_config(all->fixture, id, root, provider));
  }
  all->count = count;
}

/* Lets the virtual time of one step pass, and the engines work. */
static void step(world *all) {
  assert_true(all->steps < MAX_STEPS);
  lj_clock_advance(STEP_MS, STEP_MS * 1000);
  all->now_ms += STEP_MS;
  real_pause(5);
  all->arrived[all->steps++] = loopback_requests(all->fixture->server);
}

static int64_t count_jobs(world *all, const char *status) {
  char sql[128];
  (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM llm_jobs WHERE status = '%s'", status);
  return app_number(&all->fixture->queue, sql);
}

/* What was claimed in this step arrives in it, however slow the machine is: no virtual time passes meanwhile. */
static void step_with_arrivals(world *all) {
  step(all);
  for (int i = 0; i < 5000; i++) {
    size_t arrived = loopback_requests(all->fixture->server);
    all->arrived[all->steps - 1] = arrived;
    if ((int64_t)arrived >= app_number(&all->fixture->queue, "SELECT sum(attempts) FROM llm_jobs")) return;
    real_pause(1);
  }
  fail_msg("a call that was claimed does not arrive");
}

static void run_until_completed(world *all, int64_t jobs) {
  while (count_jobs(all, "completed") < jobs) step(all);
}

/* The most requests of any sliding time of `span_ms`. */
static size_t densest(const world *all, int64_t span_ms) {
  size_t width = (size_t)(span_ms / STEP_MS);
  size_t most = 0;
  for (size_t i = 0; i < all->steps; i++) {
    size_t before = i >= width ? all->arrived[i - width] : 0;
    if (all->arrived[i] - before > most) most = all->arrived[i] - before;
  }
  return most;
}

static void add_jobs(world *all, int count, const char *model, const char *data) {
  for (int i = 0; i < count; i++)
    app_run(&all->fixture->queue, "INSERT INTO llm_jobs (name, model, data) VALUES ('job', %Q, %Q)", model, data);
}

/* Every event of this channel about the lane: "open:RATE_LIMITED half-open:RATE_LIMITED closed". */
static const char *lane_news(event_log *log, const char *lane) {
  static char out[1024];
  size_t used = 0;
  const cJSON *message = NULL;
  event_log_collect(log);
  out[0] = '\0';
  cJSON_ArrayForEach(message, log->seen) {
    const cJSON *payload = payload_of(message);
    if (strcmp(lj_json_string(message, "channel"), "worker:lane") != 0 || strcmp(lj_json_string(payload, "lane"), lane) != 0) continue;
    const char *code = lj_json_string(payload, "code");
    used += (size_t)snprintf(out + used, sizeof out - used, "%s%s%s%s", used > 0 ? " " : "", lj_json_string(payload, "state"),
                             code != NULL ? ":" : "", code != NULL ? code : "");
    assert_true(used < sizeof out);
  }
  return out;
}

static void three_workers_send_sixty_requests_in_no_minute_more(void **state) {
  world *all = *state;
  script(all->fixture, sse_reply(all->fixture));
  add_jobs(all, 200, "p/x", HELLO);
  start_workers(all, WORKERS, "", ",\"requestsPerMinute\":60");
  while (count_jobs(all, "completed") < 200) step_with_arrivals(all);
  assert_in_range(densest(all, 60000), 1, 60);
  assert_int_equal(loopback_requests(all->fixture->server), 200);
  assert_in_range(all->now_ms, 180000, 189000); /* three times a minute, and the last twenty */
  assert_rows(&all->fixture->queue, "200|200", "SELECT count(*), sum(attempts) FROM llm_jobs");
}

static void tokens_of_all_workers_stay_within_a_minute_and_real_usage_corrects_the_estimate(void **state) {
  world *all = *state;
  loopback_script(all->fixture->server, (loopback_reply){.bytes = sse_reply(all->fixture), .gate = 1}); /* 5 tokens each */
  /* The estimate is 33 bytes / 4 + 92 = 100: ten at once. Their real usage then leaves room for more within the same minute. */
  add_jobs(all, 60, "p/x", "{\"prompt\":\"Hello\",\"maxTokens\":92}");
  start_workers(all, WORKERS, ",\"concurrency\":20", ",\"tokensPerMinute\":1000");
  for (int i = 0; i < 50; i++) step(all);
  assert_int_equal(loopback_requests(all->fixture->server), 10);
  loopback_open_gate(all->fixture->server);
  run_until_completed(all, 60);
  assert_in_range(all->now_ms, 0, 30000);
  assert_rows(&all->fixture->queue, "60", "SELECT sum(attempts) FROM llm_jobs");
}

static void job_larger_than_the_tokens_of_a_minute_runs_alone(void **state) {
  world *all = *state;
  script(all->fixture, http_reply(all->fixture, 200, "text/event-stream", "", SSE_TEXT("x") SSE_STOP SSE_DONE)); /* says no usage */
  app_run(&all->fixture->queue, "INSERT INTO llm_jobs (id, name, model, data, priority) VALUES ('large', 'n', 'p/x', '{\"prompt\":\"x\",\"maxTokens\":5000}', 1)");
  add_jobs(all, 3, "p/x", "{\"prompt\":\"x\",\"maxTokens\":10}");
  start_workers(all, 2, "", ",\"tokensPerMinute\":1000");
  for (int i = 0; i < 290; i++) step(all); /* 58 seconds */
  assert_int_equal(loopback_requests(all->fixture->server), 1);
  assert_rows(&all->fixture->queue, "completed", "SELECT status FROM llm_jobs WHERE id = 'large'");
  run_until_completed(all, 4);
  assert_in_range(all->now_ms, 60000, 65000);
}

static void calls_of_a_worker_that_has_gone_count_in_the_minute_of_the_next(void **state) {
  world *all = *state;
  script(all->fixture, sse_reply(all->fixture));
  add_jobs(all, 15, "p/x", HELLO);
  start_workers(all, 1, "", ",\"requestsPerMinute\":10");
  while (count_jobs(all, "completed") < 10) step(all);
  engine_stop(all->fixture);
  event_log_close(&all->fixture->events);
  event_log_open(&all->fixture->events);
  for (int i = 0; i < 50; i++) step(all);
  start_worker(&all->fixture->events, engine_config(all->fixture, "w", "", ",\"requestsPerMinute\":10"));
  run_until_completed(all, 15);
  assert_in_range(densest(all, 60000), 10, 10);
}

static void three_workers_hold_a_limit_of_four_calls_together(void **state) {
  world *all = *state;
  loopback_script(all->fixture->server, (loopback_reply){.bytes = ollama_reply(all->fixture), .gate = 1});
  add_jobs(all, 30, "o/m", HELLO);
  start_workers(all, WORKERS, ",\"concurrency\":10", "");
  for (int i = 0; i < 100; i++) step(all);
  assert_int_equal(loopback_requests(all->fixture->server), 4);
  assert_int_equal(count_jobs(all, "active"), 4);
  loopback_open_gate(all->fixture->server);
  run_until_completed(all, 30);
  assert_rows(&all->fixture->queue, "30", "SELECT sum(attempts) FROM llm_jobs");
}

static void retry_after_pauses_the_lane_of_all_workers_and_one_probe_ends_it(void **state) {
  world *all = *state;
  engine_fixture *fixture = all->fixture;
  loopback_script(fixture->server, (loopback_reply){.when = "\"x\"", .times = 3, .bytes = http_reply(fixture, 429, "application/json", "Retry-After: 20\r\n", "{}")});
  script(fixture, sse_reply(fixture));
  add_jobs(all, 1, "p/x", HELLO);
  start_workers(all, WORKERS, "", "");
  while (loopback_requests(fixture->server) < 1) step(all);
  for (int i = 0; i < 5; i++) step(all);
  add_jobs(all, 40, "p/x", HELLO);
  add_jobs(all, 5, "p/y", HELLO);
  while (count_jobs(all, "completed") < 5) step(all); /* the other lane goes on */
  run_until_completed(all, 46);
  /* Three pauses of 20 seconds, each ended by one probe; only the fourth is answered. */
  assert_int_equal(loopback_requests(fixture->server), 46 + 3);
  assert_in_range(all->now_ms, 60000, 66000);
  assert_rows(&fixture->queue, "46|0", "SELECT sum(attempts), sum(status = 'failed') FROM llm_jobs");
}

static void pause_ends_with_the_first_bytes_of_the_probe_however_long_its_answer_takes(void **state) {
  world *all = *state;
  engine_fixture *fixture = all->fixture;
  loopback_script(fixture->server, (loopback_reply){.times = 1, .bytes = http_reply(fixture, 429, "application/json", "Retry-After: 2\r\n", "{}")});
  loopback_script(fixture->server, (loopback_reply){.bytes = sse_reply(fixture), .gate = 300});
  add_jobs(all, 3, "p/x", HELLO);
  start_workers(all, 1, ",\"concurrency\":1", "");
  while (loopback_requests(fixture->server) < 2) step(all);
  assert_in_range(all->now_ms, 2000, 3000);
  for (int i = 0; i < 10; i++) step(all);
  assert_string_equal(lane_news(&fixture->events, "p/x"), "open:RATE_LIMITED half-open:RATE_LIMITED closed");
  assert_int_equal(count_jobs(all, "completed"), 0);
  loopback_open_gate(fixture->server);
  run_until_completed(all, 3);
}

static void worker_alone_and_without_limits_asks_nothing_of_others(void **state) {
  static const lj_sql none[] = {LJ_SQL_CHANGED_CALLS, LJ_SQL_WEIGH, LJ_SQL_MOVE};
  world *all = *state;
  script(all->fixture, sse_reply(all->fixture));
  start_workers(all, 1, "", "");
  for (int i = 0; i < 10; i++) {
    add_jobs(all, 5, "p/x", HELLO); /* the app writes while the worker does */
    run_until_completed(all, (i + 1) * 5);
  }
  (void)ask(all->fixture, "worker:pause", NULL); /* from its answer on the engine's thread leaves its statements alone */
  for (size_t i = 0; i < COUNT_OF(none); i++) assert_null(all->fixture->events.engine->store->statements[none[i]]);
}

static void network_that_is_gone_for_ten_minutes_costs_nothing(void **state) {
  world *all = *state;
  engine_fixture *fixture = all->fixture;
  script(fixture, sse_reply(fixture));
  add_jobs(all, 20, "p/x", HELLO);
  start_workers(all, 1, "", "");
  run_until_completed(all, 20);
  loopback_leave(fixture->server, true);
  add_jobs(all, 30, "p/x", HELLO);
  int64_t gone_at = all->now_ms;
  while (all->now_ms - gone_at < 600000) step(all);
  assert_rows(&fixture->queue, "30|0|0", "SELECT count(*), sum(attempts), sum(stalls) FROM llm_jobs WHERE status = 'waiting'");
  /* The first burst, then a probe after each pause: 1, 2, 4, 8, 16 and then each 30 seconds, half of it by chance. */
  assert_in_range(stat_of(fixture, "interrupted"), 5, 5 + 5 + 600 / 15);
  loopback_leave(fixture->server, false);
  real_pause(50); /* until it listens */
  const cJSON *answer = ask(fixture, "worker:power", "{\"event\":\"resume\"}");
  assert_true(lj_json_bool(payload_of(answer), "probing", false));
  int64_t back_at = all->now_ms;
  run_until_completed(all, 50);
  assert_in_range(all->now_ms - back_at, 0, 4000);
  assert_rows(&fixture->queue, "50|0", "SELECT sum(attempts), sum(status = 'failed') FROM llm_jobs");
}

static void five_failures_in_a_row_open_the_breaker_and_one_probe_closes_it(void **state) {
  world *all = *state;
  engine_fixture *fixture = all->fixture;
  loopback_script(fixture->server, (loopback_reply){.times = 6, .bytes = http_reply(fixture, 500, "application/json", "", "{}")});
  script(fixture, sse_reply(fixture));
  add_jobs(all, 40, "p/x", HELLO);
  app_run(&fixture->queue, "UPDATE llm_jobs SET max_attempts = 20, opts = '{\"backoff\":{\"type\":\"fixed\",\"delayMs\":100}}'");
  start_workers(all, 1, ",\"concurrency\":1", "");
  while (loopback_requests(fixture->server) < 5) step(all);
  int64_t opened_at = all->now_ms;
  while (all->now_ms - opened_at < 58000) step(all);
  assert_int_equal(loopback_requests(fixture->server), 5);
  assert_string_equal(lane_news(&fixture->events, "p/x"), "open:SERVER_ERROR");
  while (loopback_requests(fixture->server) < 6) step(all); /* the probe, which fails too */
  opened_at = all->now_ms;
  while (all->now_ms - opened_at < 58000) step(all);
  assert_int_equal(loopback_requests(fixture->server), 6);
  run_until_completed(all, 40);
  assert_string_equal(lane_news(&fixture->events, "p/x"),
                      "open:SERVER_ERROR half-open:SERVER_ERROR open:SERVER_ERROR half-open:SERVER_ERROR closed");
  assert_rows(&fixture->queue, "46|6", "SELECT sum(attempts), (SELECT count(*) FROM llm_jobs, json_each(history) WHERE json_extract(value, '$.code') IS NOT NULL) FROM llm_jobs");
}

static void headers_that_say_nothing_is_left_hold_the_lane_until_the_reset(void **state) {
  world *all = *state;
  engine_fixture *fixture = all->fixture;
  loopback_script(fixture->server,
                  (loopback_reply){.times = 1, .bytes = http_reply(fixture, 200, "text/event-stream", "x-ratelimit-remaining-requests: 3\r\nx-ratelimit-reset-requests: 30s\r\n", SSE_HELLO)});
  script(fixture, sse_reply(fixture));
  add_jobs(all, 10, "p/x", HELLO);
  start_workers(all, 1, ",\"concurrency\":1", "");
  for (int i = 0; i < 140; i++) step(all); /* 28 seconds */
  assert_int_equal(loopback_requests(fixture->server), 4);
  assert_int_equal(count_jobs(all, "waiting"), 6);
  run_until_completed(all, 10);
  assert_in_range(all->now_ms, 30000, 34000);
}

static void budget_of_the_day_parks_the_provider_until_midnight_in_all_workers(void **state) {
  world *all = *state;
  engine_fixture *fixture = all->fixture;
  script(fixture, sse_reply(fixture)); /* 5 tokens each */
  assert_int_equal(setenv("TZ", "UTC", 1), 0);
  int64_t left = 86400 - WALL % 86400;
  lj_clock_advance((left - 100) * 1000, (left - 100) * 1000000); /* a hundred seconds before midnight */
  start_workers(all, 2, ",\"concurrency\":1", ",\"maxTokensPerDay\":50");
  add_jobs(all, 30, "p/x", HELLO);
  while (all->now_ms < 90000) step(all);
  /* Ten calls use it up; what each worker runs at that moment ends. */
  assert_in_range(loopback_requests(fixture->server), 10, 12);
  assert_int_equal(count_jobs(all, "waiting") + count_jobs(all, "completed"), 30);
  assert_string_equal(lane_news(&fixture->events, "p/x"), "open:BUDGET_EXCEEDED");
  const cJSON *stats = payload_of(ask(fixture, "worker:stats", NULL));
  assert_true(lj_json_bool(cJSON_GetArrayItem(lj_json_array(stats, "budgets"), 0), "exceeded", false));
  while (all->now_ms < 110000) step(all);
  assert_in_range(loopback_requests(fixture->server), 20, 24);
  assert_rows(&fixture->queue, "0", "SELECT sum(status = 'failed') FROM llm_jobs");
  assert_int_equal(unsetenv("TZ"), 0);
}

static void cost_of_the_day_is_that_of_the_prices_and_survives_a_restart(void **state) {
  static const char provider[] = ",\"maxCostPerDay\":0.01,\"prices\":{\"*\":{\"inputPerMillion\":0,\"outputPerMillion\":0},"
                                 "\"x\":{\"inputPerMillion\":1000,\"outputPerMillion\":500}}"; /* 0.004 a call */
  world *all = *state;
  engine_fixture *fixture = all->fixture;
  script(fixture, sse_reply(fixture));
  start_workers(all, 1, ",\"concurrency\":1", provider);
  add_jobs(all, 10, "p/x", HELLO);
  for (int i = 0; i < 100; i++) step(all);
  assert_int_equal(loopback_requests(fixture->server), 3);
  engine_stop(fixture);
  event_log_close(&fixture->events);
  event_log_open(&fixture->events);
  for (int i = 0; i < 600; i++) step(all);
  start_worker(&fixture->events, engine_config(fixture, "w", ",\"concurrency\":1", provider));
  for (int i = 0; i < 100; i++) step(all);
  assert_int_equal(loopback_requests(fixture->server), 3);
  assert_int_equal(count_jobs(all, "waiting"), 7);
}

#define limits_test(function) cmocka_unit_test_setup_teardown(function, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      limits_test(three_workers_send_sixty_requests_in_no_minute_more),
      limits_test(tokens_of_all_workers_stay_within_a_minute_and_real_usage_corrects_the_estimate),
      limits_test(job_larger_than_the_tokens_of_a_minute_runs_alone),
      limits_test(calls_of_a_worker_that_has_gone_count_in_the_minute_of_the_next),
      limits_test(three_workers_hold_a_limit_of_four_calls_together),
      limits_test(retry_after_pauses_the_lane_of_all_workers_and_one_probe_ends_it),
      limits_test(five_failures_in_a_row_open_the_breaker_and_one_probe_closes_it),
      limits_test(headers_that_say_nothing_is_left_hold_the_lane_until_the_reset),
      limits_test(budget_of_the_day_parks_the_provider_until_midnight_in_all_workers),
      limits_test(cost_of_the_day_is_that_of_the_prices_and_survives_a_restart),
      limits_test(pause_ends_with_the_first_bytes_of_the_probe_however_long_its_answer_takes),
      limits_test(worker_alone_and_without_limits_asks_nothing_of_others),
      limits_test(network_that_is_gone_for_ten_minutes_costs_nothing),
  };
  lj_memory_init();
  return cmocka_run_group_tests_name("limits of several workers", tests, NULL, NULL);
}
