/* SPDX-License-Identifier: MIT
 *
 * Messages to the engine while jobs run: pause, drain, heartbeat, statistics, live text, and odd ones.
 */
#include <unistd.h>

#include "support/engine_fixture.h"

static void pause_and_resume(void **state) {
  engine_fixture *fixture = *state;
  script(fixture, sse_reply(fixture));
  engine_start(fixture, "", "");
  assert_true(lj_json_bool(payload_of(ask(fixture, "worker:pause", NULL)), "paused", false));
  add_job(fixture, "a", "p/x", HELLO);
  lj_engine_notify(fixture->events.engine);
  for (int i = 0; i < 20; i++) assert_true(lj_json_bool(payload_of(ask(fixture, "worker:stats", NULL)), "paused", false));
  assert_rows(&fixture->queue, "waiting|0", "SELECT status, attempts FROM llm_jobs");
  assert_int_equal(loopback_requests(fixture->server), 0);
  assert_false(lj_json_bool(payload_of(ask(fixture, "worker:resume", NULL)), "paused", true));
  wait_job(fixture, "a", "completed");
}

static void drain_lets_running_jobs_end_and_takes_no_new_ones(void **state) {
  engine_fixture *fixture = *state;
  loopback_script(fixture->server, (loopback_reply){.bytes = sse_reply(fixture), .gate = 30});
  add_job(fixture, "a", "p/x", HELLO);
  add_job(fixture, "b", "p/x", HELLO);
  engine_start(fixture, ",\"concurrency\":1", "");
  assert_true(loopback_wait_requests(fixture->server, 1));
  assert_code(lj_engine_send(fixture->events.engine, "{\"id\":\"d\",\"channel\":\"worker:drain\",\"payload\":{\"deadlineMs\":60000}}"), LJ_OK);
  assert_true(lj_json_bool(payload_of(ask(fixture, "worker:stats", NULL)), "draining", false));
  loopback_open_gate(fixture->server);
  wait_job(fixture, "a", "completed");
  const cJSON *answer = payload_of(ask(fixture, "worker:drain", NULL));
  assert_true(lj_json_bool(answer, "drained", false));
  assert_int_equal(lj_json_int(answer, "interrupted", -1), 0);
  assert_rows(&fixture->queue, "waiting|0", "SELECT status, attempts FROM llm_jobs WHERE id = 'b'");
  assert_int_equal(loopback_requests(fixture->server), 1);
}

static void drain_interrupts_what_runs_at_its_deadline(void **state) {
  engine_fixture *fixture = *state;
  loopback_script(fixture->server, (loopback_reply){.bytes = NULL, .then = LOOPBACK_SILENT});
  add_job(fixture, "a", "p/x", HELLO);
  add_job(fixture, "b", "p/x", HELLO);
  engine_start(fixture, "", "");
  assert_true(loopback_wait_requests(fixture->server, 2));
  const cJSON *answer = payload_of(ask(fixture, "worker:drain", "{\"deadlineMs\":0}"));
  assert_false(lj_json_bool(answer, "drained", true));
  assert_int_equal(lj_json_int(answer, "interrupted", -1), 2);
  assert_rows(&fixture->queue, "waiting|0|0|0|" NO_LEASE, JOB_ROW, "a");
  assert_rows(&fixture->queue, "waiting|0|0|0|" NO_LEASE, JOB_ROW, "b");
  assert_string_equal(job_events(fixture, "a"), "active/1 waiting/0:INTERRUPTED");
  assert_true(loopback_wait_open(fixture->server, 0));
}

static void second_drain_replaces_the_first(void **state) {
  engine_fixture *fixture = *state;
  loopback_script(fixture->server, (loopback_reply){.bytes = NULL, .then = LOOPBACK_SILENT});
  add_job(fixture, "a", "p/x", HELLO);
  engine_start(fixture, "", "");
  assert_true(loopback_wait_requests(fixture->server, 1));
  const cJSON *bad = ask(fixture, "worker:drain", "{\"deadlineMs\":-1}");
  assert_string_equal(lj_json_string(lj_json_object(bad, "error"), "code"), "INVALID");
  assert_false(lj_json_bool(payload_of(ask(fixture, "worker:stats", NULL)), "draining", true));
  assert_code(lj_engine_send(fixture->events.engine, "{\"id\":\"first\",\"channel\":\"worker:drain\",\"payload\":{\"deadlineMs\":60000}}"), LJ_OK);
  const cJSON *second = ask(fixture, "worker:drain", "{\"deadlineMs\":1}");
  assert_int_equal(lj_json_int(payload_of(second), "interrupted", -1), 1);
  const cJSON *first = ask_log(&fixture->events, "first", "worker:heartbeat", NULL); /* its answer is there already */
  assert_string_equal(lj_json_string(lj_json_object(first, "error"), "code"), "INTERRUPTED");
}

static void heartbeat_and_statistics_tell_numbers(void **state) {
  static const char *const beat_keys[] = {"pid", "uptimeMs", "turns", "active", "sinceLastTurnMs"};
  static const char *const stat_keys[] = {"uptimeMs", "active",  "unwritten", "claimed", "completed", "failed",        "retried",      "interrupted", "stale",
                                          "recovered", "calls", "bytesIn",   "turns",   "writes",    "busy", "droppedTokens", "droppedEvents"};
  engine_fixture *fixture = *state;
  script(fixture, sse_reply(fixture));
  add_job(fixture, "a", "p/x", HELLO);
  engine_start(fixture, "", "");
  wait_job(fixture, "a", "completed");
  const cJSON *beat = payload_of(ask(fixture, "worker:heartbeat", NULL));
  for (size_t i = 0; i < COUNT_OF(beat_keys); i++) assert_true(lj_json_int(beat, beat_keys[i], -1) >= 0);
  assert_int_equal(lj_json_int(beat, "pid", -1), getpid());
  const cJSON *stats = payload_of(ask(fixture, "worker:stats", NULL));
  for (size_t i = 0; i < COUNT_OF(stat_keys); i++)
    if (lj_json_int(stats, stat_keys[i], -1) < 0) fail_msg("no %s", stat_keys[i]);
  assert_int_equal(lj_json_int(stats, "claimed", -1), 1);
  assert_int_equal(lj_json_int(stats, "completed", -1), 1);
  assert_int_equal(lj_json_int(stats, "calls", -1), 1);
  assert_int_equal(lj_json_int(stats, "bytesIn", -1), strlen(SSE_HELLO));
  assert_true(lj_json_int(stats, "writes", -1) >= 2);
  const cJSON *lane = lj_json_array(stats, "lanes")->child;
  assert_string_equal(lj_json_string(lane, "lane"), "p/x");
  assert_int_equal(lj_json_int(lane, "active", -1), 0);
  assert_false(lj_json_bool(lane, "paused", true));
}

static void odd_messages_are_refused_or_ignored(void **state) {
  static const char *const ignored[] = {"", "x", "{", "[]", "5", "null", "\"text\"", "{}", "{\"channel\":\"worker:stats\"}", "{\"channel\":5}",
                                        "{\"channel\":\"worker:unheard\"}", "{\"id\":{},\"channel\":\"worker:stats\"}", "{\"id\":null,\"channel\":\"worker:pause\",\"payload\":7}",
                                        "{\"channel\":\"worker:resume\"}", "{\"channel\":\"worker:subscribe\",\"payload\":[]}"};
  engine_fixture *fixture = *state;
  script(fixture, sse_reply(fixture));
  engine_start(fixture, "", "");
  for (size_t i = 0; i < COUNT_OF(ignored); i++) (void)lj_engine_send(fixture->events.engine, ignored[i]);
  assert_string_equal(lj_json_string(lj_json_object(ask(fixture, "worker:unheard", NULL), "error"), "code"), "NOT_FOUND");
  assert_code(lj_engine_send(fixture->events.engine, "{\"id\":\"nochannel\"}"), LJ_OK);
  const cJSON *refused = ask_log(&fixture->events, "nochannel", "worker:stats", NULL);
  assert_string_equal(lj_json_string(lj_json_object(refused, "error"), "code"), "NOT_FOUND");
  char *huge = malloc(LJ_MAX_COMMAND_BYTES + 2);
  assert_non_null(huge);
  memset(huge, ' ', LJ_MAX_COMMAND_BYTES + 1);
  huge[LJ_MAX_COMMAND_BYTES + 1] = '\0';
  assert_string_equal(lj_engine_code_name(lj_engine_send(fixture->events.engine, huge)), "TOO_BIG");
  free(huge);
  add_job(fixture, "a", "p/x", HELLO);
  wait_job(fixture, "a", "completed"); /* and it works as before */
}

static char *token_text(engine_fixture *fixture, const char *id) {
  lj_buffer text;
  const cJSON *message = NULL;
  const cJSON *item = NULL;
  lj_buffer_init(&text, 1 << 20);
  cJSON_ArrayForEach(message, fixture->events.seen) {
    if (strcmp(lj_json_string(message, "channel"), "worker:token") != 0) continue;
    cJSON_ArrayForEach(item, lj_json_array(payload_of(message), "tokens")) {
      if (strcmp(lj_json_string(item, "id"), id) == 0) assert_code(lj_buffer_append_text(&text, lj_json_string(item, "text")), LJ_OK);
    }
  }
  char *out = lj_buffer_take(&text);
  assert_non_null(out);
  return out;
}

static bool token_seen(event_log *log, const void *what) {
  const cJSON *message = NULL;
  (void)what;
  cJSON_ArrayForEach(message, log->seen) if (strcmp(lj_json_string(message, "channel"), "worker:token") == 0) return true;
  return false;
}

static void subscriber_gets_live_text(void **state) {
  engine_fixture *fixture = *state;
  const char *reply = sse_reply(fixture);
  loopback_script(fixture->server, (loopback_reply){.bytes = reply, .gate = (size_t)(strstr(reply, " world") - reply) - 30});
  engine_start(fixture, "", "");
  assert_true(lj_json_bool(payload_of(ask(fixture, "worker:subscribe", "{\"tokens\":true}")), "tokens", false));
  add_job(fixture, "a", "p/x", HELLO);
  event_log_wait(&fixture->events, token_seen, NULL, "live text while the call still runs");
  char *text = token_text(fixture, "a");
  assert_string_equal(text, "Hello");
  lj_free(text);
  loopback_open_gate(fixture->server);
  wait_job(fixture, "a", "completed");
  text = token_text(fixture, "a");
  assert_string_equal(text, "Hello world");
  lj_free(text);
  assert_false(lj_json_bool(payload_of(ask(fixture, "worker:subscribe", "{\"tokens\":false}")), "tokens", true));
  add_job(fixture, "b", "p/x", HELLO);
  wait_job(fixture, "b", "completed");
  text = token_text(fixture, "b");
  assert_string_equal(text, "");
  lj_free(text);
}

static void assert_refused(engine_fixture *fixture, const char *channel, const char *payload, const char *code) {
  const char *said = lj_json_string(lj_json_object(ask(fixture, channel, payload), "error"), "code");
  if (said == NULL || strcmp(said, code) != 0) fail_msg("%s %s gave %s", channel, payload, said != NULL ? said : "no error");
}

static void wrong_payloads_are_refused_and_change_nothing(void **state) {
  engine_fixture *fixture = *state;
  engine_start(fixture, "", "");
  assert_refused(fixture, "worker:pause", "{\"queue\":5}", "INVALID");
  assert_refused(fixture, "worker:pause", "{\"queue\":\"\"}", "INVALID");
  assert_refused(fixture, "worker:resume", "{\"queue\":[]}", "INVALID");
  assert_refused(fixture, "worker:subscribe", "{\"tokens\":\"yes\"}", "INVALID");
  assert_refused(fixture, "worker:subscribe", "{\"token\":true}", "INVALID");
  assert_refused(fixture, "worker:hold", "{\"lane\":\"nobody/x\"}", "INVALID");
  assert_refused(fixture, "worker:hold", "{}", "INVALID");
  assert_refused(fixture, "worker:power", "{\"event\":\"sunrise\"}", "INVALID");
  assert_false(lj_json_bool(payload_of(ask(fixture, "worker:stats", NULL)), "paused", true));
}

static void cancel_of_a_released_database_is_refused_at_once(void **state) {
  engine_fixture *fixture = *state;
  engine_start(fixture, "", "");
  add_job(fixture, "a", "p/x", HELLO);
  assert_true(lj_json_bool(payload_of(ask(fixture, "worker:release", "{\"deadlineMs\":0}")), "released", false));
  assert_refused(fixture, "worker:cancel", "{\"jobId\":\"a\"}", "CLOSED");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      engine_test(pause_and_resume),
      engine_test(drain_lets_running_jobs_end_and_takes_no_new_ones),
      engine_test(drain_interrupts_what_runs_at_its_deadline),
      engine_test(second_drain_replaces_the_first),
      engine_test(heartbeat_and_statistics_tell_numbers),
      engine_test(odd_messages_are_refused_or_ignored),
      engine_test(subscriber_gets_live_text),
      engine_test(wrong_payloads_are_refused_and_change_nothing),
      engine_test(cancel_of_a_released_database_is_refused_at_once),
  };
  lj_memory_init();
  return cmocka_run_group_tests_name("engine: messages", tests, NULL, NULL);
}
