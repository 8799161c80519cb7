/* SPDX-License-Identifier: MIT
 *
 * Batches as the provider may really answer: in pieces, broken off, with nonsense in them, or not at all.
 */
#include <unistd.h>

#include "base/clock.h"
#include "support/engine_fixture.h"

enum { WALL = 1795230000, MINUTE_MS = 60000 };

#define MARK "0123456789abcdef0123456789abcdef"
#define BATCH ",\"batch\":{\"pollMs\":100,\"maxWaitMs\":0}"
#define ANSWER(seq, text)                                                                                                      \
  "{\"custom_id\":\"" MARK "-" seq "\",\"response\":{\"status_code\":200,\"body\":{\"choices\":[{\"index\":0,\"message\":{\"role\":" \
  "\"assistant\",\"content\":\"" text "\"},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":2}}}}\n"
#define RESULTS "SELECT status, attempts, json_extract(result, '$.text'), json_array_length(history), remote, lease_token FROM llm_jobs ORDER BY seq"

/* Two jobs in a batch that a dead worker has left behind. */
static void add_batch(engine_fixture *fixture) {
  add_job(fixture, "a", "p/m", HELLO);
  add_job(fixture, "b", "p/m", HELLO);
  app_run(&fixture->queue,
          "UPDATE llm_jobs SET status = 'delayed', run_at = 9000000000000, batch = '" MARK "', remote = '{\"kind\":\"batch\",\"id\":\"batch_1\","
          "\"provider\":\"p\",\"key\":0,\"model\":\"m\",\"at\":1,\"jobs\":2,\"owner\":\"x\",\"until\":1}'");
}

static void script_end(engine_fixture *fixture) {
  script_for(fixture, "GET /v1/batches/batch_1 ",
             http_reply(fixture, 200, "application/json", "", "{\"id\":\"batch_1\",\"status\":\"completed\",\"output_file_id\":\"out\"}"));
}

static const char *both(engine_fixture *fixture) {
  return http_reply(fixture, 200, "application/jsonl", "", ANSWER("2", "Zwei") ANSWER("1", "Eins"));
}

static void wait_both(engine_fixture *fixture) {
  wait_job(fixture, "a", "completed");
  wait_job(fixture, "b", "completed");
  assert_rows(&fixture->queue, "completed|1|Eins|1|-|- completed|1|Zwei|1|-|-", RESULTS);
}

static void results_that_come_byte_by_byte(void **state) {
  engine_fixture *fixture = *state;
  script_end(fixture);
  loopback_script(fixture->server, (loopback_reply){.when = "/files/out/content", .bytes = both(fixture), .piece = 1});
  add_batch(fixture);
  engine_start(fixture, "", BATCH);
  wait_both(fixture);
}

static void results_that_break_off_are_read_again_and_settle_each_job_once(void **state) {
  engine_fixture *fixture = *state;
  const char *bytes = both(fixture);
  script_end(fixture);
  loopback_script(fixture->server,
                  (loopback_reply){.when = "/files/out/content", .times = 1, .bytes = bytes, .length = strlen(bytes) - 20, .then = LOOPBACK_RESET});
  loopback_script(fixture->server, (loopback_reply){.when = "/files/out/content", .bytes = bytes});
  add_batch(fixture);
  engine_start(fixture, "", BATCH);
  wait_both(fixture);
  assert_int_equal(loopback_count(fixture->server, "/files/out/content"), 2);
}

static void lines_of_nobody_and_twice_the_same_change_nothing(void **state) {
  engine_fixture *fixture = *state;
  script_end(fixture);
  script_for(fixture, "/files/out/content",
             http_reply(fixture, 200, "application/jsonl", "",
                        "{\"custom_id\":\"" MARK "-77\",\"response\":{\"status_code\":200,\"body\":{}}}\n{\"custom_id\":\"stranger\",\"response\":null}\n\n" ANSWER(
                            "1", "Eins") ANSWER("1", "Noch eins") "{\"custom_id\":\"" MARK "-2\",\"response\":{\"status_code\":200,\"body\":null}}\n" ANSWER("2", "Zwei")));
  add_batch(fixture);
  app_run(&fixture->queue, "UPDATE llm_jobs SET max_attempts = 1");
  engine_start(fixture, "", BATCH);
  wait_job(fixture, "a", "completed");
  wait_job(fixture, "b", "failed");
  assert_rows(&fixture->queue, "completed|Eins|- failed|-|PROTOCOL", "SELECT status, json_extract(result, '$.text'), json_extract(error, '$.code') FROM llm_jobs ORDER BY seq");
}

static void nonsense_is_asked_for_again(void **state) {
  engine_fixture *fixture = *state;
  script_end(fixture);
  loopback_script(fixture->server, (loopback_reply){.when = "/files/out/content",
                                                    .times = 1,
                                                    .bytes = http_reply(fixture, 200, "text/html", "", "<html>a proxy</html>")});
  loopback_script(fixture->server, (loopback_reply){.when = "/files/out/content", .bytes = both(fixture)});
  add_batch(fixture);
  engine_start(fixture, "", BATCH);
  wait_both(fixture);
}

static void a_batch_that_is_gone_leaves_its_jobs_to_calls(void **state) {
  engine_fixture *fixture = *state;
  script_for(fixture, "GET /v1/batches/batch_1 ", http_reply(fixture, 404, "application/json", "", "{\"error\":{\"message\":\"gone\"}}"));
  script_for(fixture, "/chat/completions", sse_reply(fixture));
  add_batch(fixture);
  engine_start(fixture, "", BATCH);
  wait_job(fixture, "a", "completed");
  wait_job(fixture, "b", "completed");
  assert_rows(&fixture->queue, "completed|1|Hello world|1|-|- completed|1|Hello world|1|-|-", RESULTS);
}

static void a_worker_that_stops_while_it_creates_leaves_it_to_the_next(void **state) {
  engine_fixture *fixture = *state;
  loopback_script(fixture->server, (loopback_reply){.when = "POST /v1/files", .then = LOOPBACK_SILENT});
  add_job(fixture, "a", "p/m", HELLO);
  app_run(&fixture->queue, "UPDATE llm_jobs SET opts = '{\"batch\":true}'");
  engine_start(fixture, "", BATCH);
  assert_true(loopback_wait_requests(fixture->server, 1));
  engine_stop(fixture);
  assert_rows(&fixture->queue, "delayed|creating|0|-", "SELECT status, json_extract(remote, '$.state'), attempts, lease_token FROM llm_jobs");
}

static void an_answer_in_the_background_is_left_to_the_next_run(void **state) {
  engine_fixture *fixture = *state;
  loopback_script(fixture->server,
                  (loopback_reply){.when = "POST /v1/responses",
                                   .bytes = http_reply(fixture, 200, "text/event-stream", "",
                                                       "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"resp_1\","
                                                       "\"status\":\"in_progress\"}}\n\n"),
                                   .then = LOOPBACK_RESET});
  script_for(fixture, "GET /v1/responses/resp_1 ",
             http_reply(fixture, 200, "application/json", "", "{\"id\":\"resp_1\",\"status\":\"in_progress\"}"));
  add_job(fixture, "a", "p/m", HELLO);
  engine_start(fixture, "", ",\"api\":\"responses\",\"background\":true");
  assert_true(loopback_wait_requests(fixture->server, 3));
  engine_stop(fixture);
  assert_rows(&fixture->queue, "waiting|0|resp_1", "SELECT status, attempts, json_extract(remote, '$.id') FROM llm_jobs");
  assert_int_equal(loopback_count(fixture->server, "POST /v1/responses"), 1);
}

/* Whoever writes the results can't answer for all jobs at once, nor for one that it does not name. */
static void a_key_that_names_no_row_answers_nobody(void **state) {
  engine_fixture *fixture = *state;
  script_end(fixture);
  script_for(fixture, "/files/out/content",
             http_reply(fixture, 200, "application/jsonl", "",
                        ANSWER("-9223372036854775808", "Alle") ANSWER("1x", "Alle") ANSWER("", "Alle") ANSWER("0", "Alle")
                            ANSWER("99999999999999999999", "Alle") ANSWER("2", "Zwei") ANSWER("1", "Eins")));
  add_batch(fixture);
  engine_start(fixture, "", BATCH);
  wait_both(fixture);
}

/* A look at the table tells of so many batches only; what it does not tell of has not ended for that. */
static void a_batch_that_a_look_does_not_show_is_not_cancelled(void **state) {
  engine_fixture *fixture = *state;
  loopback_script(fixture->server, (loopback_reply){.when = "GET /v1/batches/batch_1 ", .times = 25,
                                                    .bytes = http_reply(fixture, 200, "application/json", "", "{\"id\":\"batch_1\",\"status\":\"in_progress\"}")});
  script_end(fixture);
  script_for(fixture, "/files/out/content", both(fixture));
  add_batch(fixture);
  engine_start(fixture, "", BATCH);
  assert_true(loopback_wait_requests(fixture->server, 1));
  app_run(&fixture->queue, "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300) "
                           "INSERT INTO llm_jobs (name, data, status, run_at, batch) SELECT 'n', '{}', 'delayed', 9000000000000, x || i FROM n, "
                           "(SELECT '+nobody/' AS x UNION ALL SELECT 'another worker''s ') AS y");
  wait_job(fixture, "a", "completed");
  wait_job(fixture, "b", "completed");
  assert_int_equal(loopback_count(fixture->server, "/cancel"), 0);
}

/* A batch whose creation was begun, and perhaps happened. */
static void add_unnoted_batch(engine_fixture *fixture) {
  add_batch(fixture);
  app_run(&fixture->queue, "UPDATE llm_jobs SET remote = json_remove(json_set(remote, '$.state', 'creating'), '$.id')");
}

static void a_batch_on_a_later_page_of_the_list_is_found(void **state) {
  engine_fixture *fixture = *state;
  script_for(fixture, "GET /v1/batches?limit=100 ",
             http_reply(fixture, 200, "application/json", "", "{\"data\":[{\"id\":\"batch_9\",\"metadata\":null}],\"has_more\":true,\"last_id\":\"batch_9\"}"));
  script_for(fixture, "GET /v1/batches?limit=100&after=batch_9 ",
             http_reply(fixture, 200, "application/json", "",
                        "{\"data\":[{\"id\":\"batch_1\",\"metadata\":{\"llm_jobs\":\"" MARK "\"}}],\"has_more\":true,\"last_id\":\"batch_1\"}"));
  script_end(fixture);
  script_for(fixture, "/files/out/content", both(fixture));
  add_unnoted_batch(fixture);
  engine_start(fixture, "", BATCH);
  wait_both(fixture);
  assert_int_equal(loopback_count(fixture->server, "POST "), 0);
}

static void a_list_without_an_end_is_given_up(void **state) {
  engine_fixture *fixture = *state;
  script_for(fixture, "GET /v1/batches?",
             http_reply(fixture, 200, "application/json", "", "{\"data\":[{\"id\":\"batch_9\",\"metadata\":null}],\"has_more\":true,\"last_id\":\"batch_9\"}"));
  loopback_script(fixture->server, (loopback_reply){.when = "POST /v1/files", .then = LOOPBACK_SILENT});
  add_unnoted_batch(fixture);
  engine_start(fixture, "", BATCH);
  for (int i = 0; i < 20000 && loopback_count(fixture->server, "POST /v1/files") == 0; i++) (void)usleep(1000);
  assert_int_equal(loopback_count(fixture->server, "POST /v1/files"), 1);
  assert_int_equal(loopback_count(fixture->server, "GET /v1/batches?"), 2 * LJ_MAX_BATCH_PAGES);
}

/* What was created during a drain is noted, so that the next worker need not look for it. */
static void a_batch_that_is_created_during_a_drain_is_noted(void **state) {
  engine_fixture *fixture = *state;
  script_for(fixture, "POST /v1/files", http_reply(fixture, 200, "application/json", "", "{\"id\":\"file_1\"}"));
  loopback_script(fixture->server, (loopback_reply){.when = "POST /v1/batches", .gate = 10,
                                                    .bytes = http_reply(fixture, 200, "application/json", "", "{\"id\":\"batch_1\",\"status\":\"validating\"}")});
  add_job(fixture, "a", "p/m", HELLO);
  app_run(&fixture->queue, "UPDATE llm_jobs SET opts = '{\"batch\":true}'");
  engine_start(fixture, "", BATCH);
  assert_true(loopback_wait_requests(fixture->server, 2));
  (void)ask(fixture, "worker:drain", "{\"deadlineMs\":0}");
  loopback_open_gate(fixture->server);
  for (int i = 0; i < 20000 && app_number(&fixture->queue, "SELECT json_extract(remote, '$.state') = 'created' FROM llm_jobs") == 0; i++) (void)usleep(1000);
  assert_rows(&fixture->queue, "delayed|created|batch_1", "SELECT status, json_extract(remote, '$.state'), json_extract(remote, '$.id') FROM llm_jobs");
}

/* --- With clocks of the test's own --- */

static int setup_clocks(void **state) {
  lj_clock_virtual((int64_t)WALL * 1000, 5000000);
  return engine_setup(state);
}

static int teardown_clocks(void **state) {
  int code = engine_teardown(state);
  lj_clock_real();
  return code;
}

static void refuse_uploads(engine_fixture *fixture) {
  script_for(fixture, "POST /v1/files", http_reply(fixture, 503, "application/json", "Retry-After: 300\r\n", "{\"error\":{\"message\":\"busy\"}}"));
  add_job(fixture, "a", "p/m", HELLO);
  app_run(&fixture->queue, "UPDATE llm_jobs SET opts = '{\"batch\":true}'");
  engine_start(fixture, "", BATCH);
  assert_true(loopback_wait_requests(fixture->server, 1));
}

/* While uploads fail, the batch stays its worker's: another one would make the same batch. */
static void a_batch_belongs_to_its_worker_however_long_it_takes_to_create(void **state) {
  engine_fixture *fixture = *state;
  refuse_uploads(fixture);
  for (int minutes = 5; minutes <= 30; minutes += 5) {
    size_t uploads = loopback_requests(fixture->server);
    for (int i = 0; i < 2000 && loopback_requests(fixture->server) == uploads; i++) {
      lj_clock_advance(MINUTE_MS / 4, (int64_t)MINUTE_MS * 250);
      (void)usleep(2000);
    }
    int64_t until = app_number(&fixture->queue, "SELECT ifnull(json_extract(remote, '$.until'), 0) FROM llm_jobs");
    if (until < lj_wall_ms() + 9 * MINUTE_MS) fail_msg("at upload %zu it belongs to nobody in %lld ms", uploads, (long long)(until - lj_wall_ms()));
  }
}

static void a_batch_without_jobs_is_not_created(void **state) {
  engine_fixture *fixture = *state;
  refuse_uploads(fixture);
  app_run(&fixture->queue, "UPDATE llm_jobs SET cancel_requested = 1");
  for (int i = 0; i < 2000 && stat_of(fixture, "batches") > 0; i++) {
    lj_clock_advance(100, 100000);
    (void)usleep(1000);
  }
  assert_rows(&fixture->queue, "cancelled", "SELECT status FROM llm_jobs");
  assert_int_equal(stat_of(fixture, "batches"), 0);
  assert_int_equal(loopback_requests(fixture->server), 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      engine_test(results_that_come_byte_by_byte),
      engine_test(results_that_break_off_are_read_again_and_settle_each_job_once),
      engine_test(lines_of_nobody_and_twice_the_same_change_nothing),
      engine_test(nonsense_is_asked_for_again),
      engine_test(a_batch_that_is_gone_leaves_its_jobs_to_calls),
      engine_test(a_worker_that_stops_while_it_creates_leaves_it_to_the_next),
      engine_test(an_answer_in_the_background_is_left_to_the_next_run),
      engine_test(a_key_that_names_no_row_answers_nobody),
      engine_test(a_batch_that_a_look_does_not_show_is_not_cancelled),
      engine_test(a_batch_on_a_later_page_of_the_list_is_found),
      engine_test(a_list_without_an_end_is_given_up),
      engine_test(a_batch_that_is_created_during_a_drain_is_noted),
      cmocka_unit_test_setup_teardown(a_batch_belongs_to_its_worker_however_long_it_takes_to_create, setup_clocks, teardown_clocks),
      cmocka_unit_test_setup_teardown(a_batch_without_jobs_is_not_created, setup_clocks, teardown_clocks),
  };
  return cmocka_run_group_tests_name("engine: batches", tests, NULL, NULL);
}
