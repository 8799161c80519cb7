/* SPDX-License-Identifier: MIT
 *
 * How a worker tells of itself: the heartbeat, the health status after it, and fewer slots by worker:throttle.
 */
#include <unistd.h>

#include "engine/state.h"
#include "support/engine_fixture.h"

static const cJSON *beat_of(engine_fixture *fixture) { return payload_of(ask(fixture, "worker:heartbeat", NULL)); }

/* The newest payload of an event. */
static const cJSON *last_event(engine_fixture *fixture, const char *channel) {
  const cJSON *found = NULL;
  const cJSON *message = NULL;
  (void)wait_event(&fixture->events, channel);
  cJSON_ArrayForEach(message, fixture->events.seen)
    if (strcmp(lj_json_string(message, "channel"), channel) == 0 && lj_json_string(message, "id") == NULL) found = message;
  return payload_of(found);
}

static size_t count_of(const engine_fixture *fixture, const char *channel) {
  size_t count = 0;
  const cJSON *message = NULL;
  cJSON_ArrayForEach(message, fixture->events.seen) count += strcmp(lj_json_string(message, "channel"), channel) == 0 ? 1 : 0;
  return count;
}

static void a_beat_tells_what_the_process_uses(void **state) {
  engine_fixture *fixture = *state;
  script(fixture, sse_reply(fixture));
  engine_start(fixture, "", "");
  const cJSON *beat = beat_of(fixture);
  assert_int_equal(lj_json_int(beat, "pid", -1), getpid());
  assert_int_equal(lj_json_int(beat, "concurrency", -1), 5);
  assert_int_equal(lj_json_int(beat, "active", -1), 0);
  assert_false(lj_json_bool(beat, "backlog", true));
  assert_true(lj_json_int(beat, "cpuMs", -1) >= 0);
  assert_true(lj_json_int(beat, "rssBytes", -1) > 1 << 20);
  assert_true(lj_json_int(beat, "longestTurnMs", -1) >= 0);
  assert_null(lj_json_get(beat, "responseMs"));
  const cJSON *health = last_event(fixture, "worker:health-status");
  const cJSON *metrics = lj_json_object(health, "metrics");
  assert_string_equal(lj_json_string(health, "status"), "healthy");
  assert_true(lj_json_number(metrics, "cpuUsage", -1) >= 0);
  assert_true(lj_json_number(metrics, "memoryUsage", -1) > 1);
  assert_int_equal(lj_json_int(metrics, "avgResponseTime", -1), 0);
  add_job(fixture, "a", "p/x", HELLO);
  wait_job(fixture, "a", "completed");
  assert_true(lj_json_number(beat_of(fixture), "responseMs", -1) >= 0);
}

static void health_is_told_after_a_beat_and_never_by_itself(void **state) {
  engine_fixture *fixture = *state;
  engine_start(fixture, "", "");
  for (int i = 0; i < 100; i++) (void)ask(fixture, "worker:stats", NULL);
  assert_int_equal(count_of(fixture, "worker:health-status"), 0);
  (void)beat_of(fixture);
  (void)beat_of(fixture);
  (void)ask(fixture, "worker:stats", NULL);
  assert_int_equal(count_of(fixture, "worker:health-status"), 2);
  assert_code(lj_engine_send(fixture->events.engine, "{\"channel\":\"worker:heartbeat\"}"), LJ_OK); /* nobody waits for this answer */
  (void)ask(fixture, "worker:stats", NULL);
  assert_int_equal(count_of(fixture, "worker:health-status"), 3);
  assert_int_equal(count_of(fixture, "worker:heartbeat"), 2);
}

static void the_mean_of_response_times_follows_the_newest_call_by_a_fifth(void **state) {
  lj_beat beat;
  (void)state;
  lj_beat_init(&beat, 0);
  assert_true(beat.response_ms < 0);
  lj_beat_response(&beat, 100);
  assert_float_equal(beat.response_ms, 100, 1e-9);
  lj_beat_response(&beat, 200);
  assert_float_equal(beat.response_ms, 120, 1e-9);
  lj_beat_turn(&beat, 7);
  lj_beat_turn(&beat, 3);
  assert_int_equal(beat.longest_turn_ms, 7);
}

static void throttle_leaves_running_jobs_and_claims_only_so_many(void **state) {
  engine_fixture *fixture = *state;
  loopback_script(fixture->server, (loopback_reply){.bytes = NULL, .then = LOOPBACK_SILENT});
  engine_start(fixture, ",\"concurrency\":3", "");
  add_job(fixture, "a", "p/x", HELLO);
  add_job(fixture, "b", "p/x", HELLO);
  lj_engine_notify(fixture->events.engine);
  assert_true(loopback_wait_requests(fixture->server, 2));
  assert_int_equal(lj_json_int(payload_of(ask(fixture, "worker:throttle", "{\"concurrency\":1}")), "concurrency", -1), 1);
  add_job(fixture, "c", "p/x", HELLO);
  lj_engine_notify(fixture->events.engine);
  for (int i = 0; i < 20; i++) (void)ask(fixture, "worker:stats", NULL);
  const cJSON *beat = beat_of(fixture);
  assert_int_equal(lj_json_int(beat, "active", -1), 2);
  assert_int_equal(lj_json_int(beat, "concurrency", -1), 1);
  assert_true(lj_json_bool(beat, "backlog", false));
  assert_string_equal(lj_json_string(last_event(fixture, "worker:health-status"), "status"), "degraded");
  assert_rows(&fixture->queue, "waiting", "SELECT status FROM llm_jobs WHERE id = 'c'");
  assert_int_equal(loopback_requests(fixture->server), 2);
  assert_int_equal(lj_json_int(payload_of(ask(fixture, "worker:throttle", "{\"concurrency\":null}")), "concurrency", -1), 3);
  assert_true(loopback_wait_requests(fixture->server, 3));
  beat = beat_of(fixture);
  assert_int_equal(lj_json_int(beat, "active", -1), 3);
  assert_false(lj_json_bool(beat, "backlog", true));
  assert_string_equal(lj_json_string(last_event(fixture, "worker:health-status"), "status"), "healthy");
}

static void throttle_to_none_and_above_the_configuration(void **state) {
  engine_fixture *fixture = *state;
  script(fixture, sse_reply(fixture));
  engine_start(fixture, ",\"concurrency\":2", "");
  assert_int_equal(lj_json_int(payload_of(ask(fixture, "worker:throttle", "{\"concurrency\":0}")), "concurrency", -1), 0);
  add_job(fixture, "a", "p/x", HELLO);
  lj_engine_notify(fixture->events.engine);
  for (int i = 0; i < 20; i++) (void)ask(fixture, "worker:stats", NULL);
  assert_true(lj_json_bool(beat_of(fixture), "backlog", false));
  assert_rows(&fixture->queue, "waiting|0", "SELECT status, attempts FROM llm_jobs");
  assert_int_equal(lj_json_int(payload_of(ask(fixture, "worker:throttle", "{\"concurrency\":50}")), "concurrency", -1), 2);
  wait_job(fixture, "a", "completed");
}

static void wrong_throttles_are_refused_and_change_nothing(void **state) {
  static const char *const wrong[] = {NULL, "{}", "{\"concurrency\":-1}", "{\"concurrency\":2001}", "{\"concurrency\":1.5}", "{\"concurrency\":\"1\"}"};
  engine_fixture *fixture = *state;
  engine_start(fixture, "", "");
  for (size_t i = 0; i < COUNT_OF(wrong); i++) {
    const char *code = lj_json_string(lj_json_object(ask(fixture, "worker:throttle", wrong[i]), "error"), "code");
    if (code == NULL || strcmp(code, "INVALID") != 0) fail_msg("%s gave %s", wrong[i], code != NULL ? code : "no error");
  }
  assert_int_equal(lj_json_int(beat_of(fixture), "concurrency", -1), 5);
}

/* All slots are taken, but the jobs behind them wait for something else than a slot: more workers would not help. */
static void jobs_of_a_full_lane_are_no_backlog(void **state) {
  engine_fixture *fixture = *state;
  loopback_script(fixture->server, (loopback_reply){.bytes = NULL, .then = LOOPBACK_SILENT});
  engine_start(fixture, ",\"concurrency\":1", ",\"maxConcurrent\":1");
  add_job(fixture, "a", "p/x", HELLO);
  add_job(fixture, "b", "p/x", HELLO);
  lj_engine_notify(fixture->events.engine);
  assert_true(loopback_wait_requests(fixture->server, 1));
  assert_false(lj_json_bool(beat_of(fixture), "backlog", true));
  add_job(fixture, "c", "o/another", HELLO);
  assert_true(lj_json_bool(beat_of(fixture), "backlog", false));
  assert_true(lj_json_bool(payload_of(ask(fixture, "worker:pause", NULL)), "paused", false));
  assert_false(lj_json_bool(beat_of(fixture), "backlog", true));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      engine_test(a_beat_tells_what_the_process_uses),
      engine_test(health_is_told_after_a_beat_and_never_by_itself),
      cmocka_unit_test(the_mean_of_response_times_follows_the_newest_call_by_a_fifth),
      engine_test(throttle_leaves_running_jobs_and_claims_only_so_many),
      engine_test(throttle_to_none_and_above_the_configuration),
      engine_test(wrong_throttles_are_refused_and_change_nothing),
      engine_test(jobs_of_a_full_lane_are_no_backlog),
  };
  lj_memory_init();
  return cmocka_run_group_tests_name("engine: heartbeat and throttle", tests, NULL, NULL);
}
