/* SPDX-License-Identifier: MIT
 *
 * How an engine starts: what it tells first, what it refuses, and what it waits for.
 */
#include <unistd.h>

#include "support/engine_fixture.h"

static void start_tells_ready_and_what_it_is(void **state) {
  engine_fixture *fixture = *state;
  engine_start(fixture, "", "");
  const cJSON *ready = wait_event(&fixture->events, "worker:ready");
  assert_string_equal(lj_json_string(ready, "workerId"), "w");
  assert_string_equal(lj_json_string(ready, "database"), fixture->queue.path);
  assert_int_equal(lj_json_int(ready, "pid", -1), getpid());
  assert_int_equal(lj_json_int(ready, "recovered", -1), 0);
  assert_memory_equal(lj_json_string(ready, "owner"), "w@", 2);
  assert_non_null(lj_json_string(lj_json_object(ready, "versions"), "sqlite"));
}

static void start_with_a_bad_configuration_says_why(void **state) {
  static const char *const bad[] = {"", "{", "{}", "{\"database\":\"x\",\"providers\":{}}", "{\"database\":\"x\",\"providers\":{\"p\":{\"kind\":\"y\"}}}"};
  long live = lj_memory_live();
  (void)state;
  for (size_t i = 0; i < COUNT_OF(bad); i++) {
    lj_engine_options options = {.config = bad[i]};
    lj_engine *engine = (lj_engine *)(void *)&options;
    char *error = NULL;
    int code = lj_engine_start(&options, &engine, &error);
    assert_string_equal(lj_engine_code_name(code), "BAD_CONFIG");
    assert_null(engine);
    assert_non_null(error);
    cJSON *told = json_of(error);
    assert_string_equal(lj_json_string(told, "code"), "BAD_CONFIG");
    assert_true(strlen(lj_json_string(told, "message")) > 10);
    cJSON_Delete(told);
    lj_engine_free_text(error);
    assert_int_equal(lj_engine_start(&options, &engine, NULL), code);
    assert_int_equal(lj_memory_live(), live);
  }
}

static void missing_database_is_told_and_the_engine_waits_for_its_stop(void **state) {
  engine_fixture *fixture = *state;
  (void)strcat(fixture->queue.path, ".none");
  event_log_start(&fixture->events, engine_config(fixture, "w", "", ""));
  fixture->queue.path[strlen(fixture->queue.path) - 5] = '\0';
  const cJSON *failed = wait_event(&fixture->events, "worker:failed");
  assert_string_equal(lj_json_string(failed, "code"), "BAD_CONFIG");
  assert_non_null(strstr(lj_json_string(failed, "message"), "app.db.none"));
  /* It still answers. */
  assert_non_null(payload_of(ask(fixture, "worker:heartbeat", NULL)));
  assert_int_equal(stat_of(fixture, "claimed"), 0);
  assert_true(lj_json_bool(payload_of(ask(fixture, "worker:drain", NULL)), "drained", false));
}

static void start_waits_for_the_app_to_let_the_lock_go(void **state) {
  engine_fixture *fixture = *state;
  app_run(&fixture->queue, "DROP TABLE llm_jobs; BEGIN IMMEDIATE");
  event_log_start(&fixture->events, engine_config(fixture, "w", "", ""));
  assert_non_null(payload_of(ask(fixture, "worker:heartbeat", NULL)));
  const cJSON *message = NULL;
  cJSON_ArrayForEach(message, fixture->events.seen) assert_string_not_equal(lj_json_string(message, "channel"), "worker:ready");
  app_run(&fixture->queue, "COMMIT");
  (void)wait_event(&fixture->events, "worker:ready");
}

static void database_without_wal_is_refused(void **state) {
  engine_fixture *fixture = *state;
  assert_rows(&fixture->queue, "delete", "PRAGMA journal_mode = DELETE");
  event_log_start(&fixture->events, engine_config(fixture, "w", "", ""));
  assert_string_equal(lj_json_string(wait_event(&fixture->events, "worker:failed"), "code"), "DB_NOT_WAL");
}

static void versions_and_codes_are_texts(void **state) {
  cJSON *versions = json_of(lj_engine_versions());
  (void)state;
  assert_string_equal(lj_json_string(versions, "version"), "0.1.0");
  assert_non_null(lj_json_string(versions, "curl"));
  assert_non_null(lj_json_string(versions, "tls"));
  assert_non_null(lj_json_string(versions, "http2"));
  assert_string_equal(lj_json_string(versions, "sqlite"), sqlite3_libversion());
  cJSON_Delete(versions);
  assert_string_equal(lj_engine_code_name(0), "OK");
  assert_string_equal(lj_engine_code_name(12345), "UNKNOWN");
  lj_engine_free_text(NULL);
  lj_engine_stop(NULL);
}

static void engine_needs_no_listener(void **state) {
  engine_fixture *fixture = *state;
  lj_engine *engine = NULL;
  script(fixture, sse_reply(fixture));
  add_job(fixture, "a", "p/x", HELLO);
  lj_engine_options options = {.config = engine_config(fixture, "w", "", "")};
  assert_int_equal(lj_engine_start(&options, &engine, NULL), 0);
  for (int i = 0; app_number(&fixture->queue, "SELECT count(*) FROM llm_jobs WHERE status = 'completed'") < 1; i++) {
    assert_true(i < 20000);
    (void)usleep(1000);
  }
  lj_engine_stop(engine);
}

static void messages_of_the_start_are_read_before_the_first_job(void **state) {
  engine_fixture *fixture = *state;
  char *error = NULL;
  lj_engine *engine = NULL;
  add_job(fixture, "a", "p/x", HELLO);
  lj_engine_options options = {.config = engine_config(fixture, "w", "", ""),
                               .messages = "[{\"channel\":\"worker:pause\"},{\"id\":\"s\",\"channel\":\"worker:stats\"}]"};
  assert_int_equal(lj_engine_start(&options, &engine, &error), 0);
  /* Long enough for an engine that is not paused to run it a hundred times. */
  (void)usleep(300000);
  assert_int_equal(app_number(&fixture->queue, "SELECT count(*) FROM llm_jobs WHERE status = 'waiting'"), 1);
  lj_engine_stop(engine);

  options.messages = "{}";
  assert_int_equal(lj_engine_start(&options, &engine, &error), LJ_INVALID);
  assert_null(engine);
  lj_engine_free_text(error);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      engine_test(start_tells_ready_and_what_it_is),
      cmocka_unit_test(start_with_a_bad_configuration_says_why),
      engine_test(missing_database_is_told_and_the_engine_waits_for_its_stop),
      engine_test(start_waits_for_the_app_to_let_the_lock_go),
      engine_test(database_without_wal_is_refused),
      cmocka_unit_test(versions_and_codes_are_texts),
      engine_test(engine_needs_no_listener),
      engine_test(messages_of_the_start_are_read_before_the_first_job),
  };
  lj_memory_init();
  return cmocka_run_group_tests_name("engine: start", tests, NULL, NULL);
}
