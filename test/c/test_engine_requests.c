/* SPDX-License-Identifier: MIT
 *
 * worker:processRequest: a job that comes as a message, is a row like any other, and is answered when the row has ended.
 */
#include <unistd.h>

#include "engine/state.h"
#include "support/engine_fixture.h"

#define ID(digit) digit digit digit digit digit digit digit digit digit digit digit digit digit digit digit digit
#define FIRST ID("a1")
#define SECOND ID("b2")
#define THIRD ID("c3")

static void send_request(event_log *log, const char *id, const char *payload) {
  char message[2048];
  (void)snprintf(message, sizeof message, "{\"id\":\"%s\",\"channel\":\"worker:processRequest\",\"payload\":%s}", id, payload);
  assert_code(lj_engine_send(log->engine, message), LJ_OK);
}

typedef struct wanted_answer {
  const char *id;
  const cJSON *found;
} wanted_answer;

static bool find_answer(event_log *log, const void *what) {
  wanted_answer *wanted = *(wanted_answer *const *)what;
  const cJSON *message = NULL;
  cJSON_ArrayForEach(message, log->seen) {
    const char *id = lj_json_string(message, "id");
    if (id != NULL && strcmp(id, wanted->id) == 0) wanted->found = message;
  }
  return wanted->found != NULL;
}

static const cJSON *answer_to(event_log *log, const char *id) {
  wanted_answer wanted = {.id = id};
  wanted_answer *place = &wanted;
  event_log_wait(log, find_answer, &place, id);
  return wanted.found;
}

static bool answered(event_log *log, const char *id) {
  wanted_answer wanted = {.id = id};
  wanted_answer *place = &wanted;
  event_log_collect(log);
  return find_answer(log, &place);
}

static void assert_result(event_log *log, const char *id, const char *job, const char *text) {
  const cJSON *payload = payload_of(answer_to(log, id));
  assert_non_null(payload);
  assert_string_equal(lj_json_string(payload, "jobId"), job);
  assert_string_equal(lj_json_string(lj_json_object(payload, "result"), "text"), text);
}

static void assert_error(event_log *log, const char *id, const char *code) {
  const char *said = lj_json_string(lj_json_object(answer_to(log, id), "error"), "code");
  if (said == NULL || strcmp(said, code) != 0) fail_msg("%s got %s, not %s", id, said != NULL ? said : "a result", code);
}

/* Until its row is there. */
static void wait_row(engine_fixture *fixture, const char *job) {
  int i = 0;
  while (i < 20000 && app_number(&fixture->queue, "SELECT count(*) FROM llm_jobs WHERE id = %Q", job) == 0) {
    (void)usleep(1000);
    i++;
  }
  assert_true(i < 20000);
}

static void some_turns(engine_fixture *fixture) {
  for (int i = 0; i < 30; i++) (void)ask(fixture, "worker:stats", NULL);
}

static void a_request_is_a_row_and_its_answer_the_result(void **state) {
  engine_fixture *fixture = *state;
  script(fixture, sse_reply(fixture));
  engine_start(fixture, "", "");
  send_request(&fixture->events, "r", "{\"jobId\":\"" FIRST "\",\"model\":\"p/x\",\"prompt\":\"Hello\"}");
  assert_result(&fixture->events, "r", FIRST, "Hello world");
  assert_completed(fixture, FIRST);
  /* Written and claimed in one transaction, so at one time. */
  assert_rows(&fixture->queue, "process_request|default|p/x|{\"prompt\":\"Hello\"}|-|10|3|1|1",
              "SELECT name, queue, model, data, opts, priority, max_attempts, abs(created_at - strftime('%%s', 'now') * 1000) < 60000, "
              "created_at = processed_on FROM llm_jobs");
  assert_string_equal(job_events(fixture, FIRST), "active/1 completed/1");
}

static void all_of_a_request_is_in_its_row(void **state) {
  engine_fixture *fixture = *state;
  script(fixture, sse_reply(fixture));
  engine_start(fixture, "", "");
  send_request(&fixture->events, "r",
               "{\"jobId\":\"" FIRST "\",\"name\":\"chat\",\"queue\":\"q\",\"model\":\"p/x\",\"priority\":-3,\"maxAttempts\":7,"
               "\"data\":{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],\"topic\":\"\\u00fc\"},\"opts\":{\"timeoutMs\":5000}}");
  assert_result(&fixture->events, "r", FIRST, "Hello world");
  assert_rows(&fixture->queue, "chat|q|p/x|{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}],\"topic\":\"\xC3\xBC\"}|{\"timeoutMs\":5000}|-3|7",
              "SELECT name, queue, model, data, opts, priority, max_attempts FROM llm_jobs");
}

static void a_request_without_an_id_gets_one(void **state) {
  engine_fixture *fixture = *state;
  script(fixture, sse_reply(fixture));
  engine_start(fixture, "", "");
  send_request(&fixture->events, "r", "{\"model\":\"p/x\",\"prompt\":\"Hello\"}");
  const char *job = lj_json_string(payload_of(answer_to(&fixture->events, "r")), "jobId");
  assert_int_equal(strlen(job), 32);
  assert_completed(fixture, job);
}

static void a_job_that_fails_answers_with_its_error(void **state) {
  engine_fixture *fixture = *state;
  script(fixture, http_reply(fixture, 400, "application/json", "", "{\"error\":{\"message\":\"no such thing\"}}"));
  engine_start(fixture, "", "");
  send_request(&fixture->events, "bad", "{\"jobId\":\"" FIRST "\",\"model\":\"p/x\",\"prompt\":\"Hello\"}");
  assert_error(&fixture->events, "bad", "BAD_REQUEST");
  send_request(&fixture->events, "nobody", "{\"jobId\":\"" SECOND "\",\"model\":\"nobody/x\",\"prompt\":\"Hello\"}");
  assert_error(&fixture->events, "nobody", "NO_PROVIDER");
  const char *words = lj_json_string(lj_json_object(answer_to(&fixture->events, "nobody"), "error"), "message");
  assert_string_equal(words, app_text(&fixture->queue, "SELECT json_extract(error, '$.message') FROM llm_jobs WHERE id = %Q", SECOND));
}

static void a_job_that_is_cancelled_says_so(void **state) {
  engine_fixture *fixture = *state;
  loopback_script(fixture->server, (loopback_reply){.bytes = NULL, .then = LOOPBACK_SILENT});
  engine_start(fixture, ",\"concurrency\":1", "");
  send_request(&fixture->events, "running", "{\"jobId\":\"" FIRST "\",\"model\":\"p/x\",\"prompt\":\"Hello\"}");
  assert_true(loopback_wait_requests(fixture->server, 1));
  send_request(&fixture->events, "idle", "{\"jobId\":\"" SECOND "\",\"model\":\"p/x\",\"prompt\":\"Hello\"}");
  wait_row(fixture, SECOND);
  some_turns(fixture);
  assert_false(answered(&fixture->events, "idle"));
  app_run(&fixture->queue, "UPDATE llm_jobs SET cancel_requested = 1 WHERE id = %Q", SECOND);
  assert_error(&fixture->events, "idle", "CANCELLED");
  (void)ask(fixture, "worker:cancel", "{\"jobId\":\"" FIRST "\"}");
  assert_error(&fixture->events, "running", "CANCELLED");
}

static void whoever_runs_the_job_it_is_answered(void **state) {
  engine_fixture *fixture = *state;
  event_log other;
  script(fixture, sse_reply(fixture));
  engine_start(fixture, "", "");
  (void)ask(fixture, "worker:throttle", "{\"concurrency\":0}");
  send_request(&fixture->events, "r", "{\"jobId\":\"" FIRST "\",\"model\":\"p/x\",\"prompt\":\"Hello\"}");
  send_request(&fixture->events, "hand", "{\"jobId\":\"" SECOND "\",\"queue\":\"nobody's\",\"model\":\"p/x\",\"prompt\":\"Hello\"}");
  send_request(&fixture->events, "failed", "{\"jobId\":\"" THIRD "\",\"queue\":\"nobody's\",\"model\":\"p/x\",\"prompt\":\"Hello\"}");
  wait_row(fixture, THIRD);
  some_turns(fixture);
  assert_rows(&fixture->queue, "waiting|3", "SELECT status, count(*) FROM llm_jobs GROUP BY status");
  event_log_open(&other);
  event_log_start(&other, engine_config(fixture, "second", ",\"queues\":[\"default\"]", ""));
  assert_result(&fixture->events, "r", FIRST, "Hello world");
  assert_int_equal(stat_of(fixture, "completed"), 0);
  event_log_close(&other);
  app_run(&fixture->queue, "UPDATE llm_jobs SET status = 'completed', result = '{\"text\":\"by hand\"}' WHERE id = %Q", SECOND);
  assert_result(&fixture->events, "hand", SECOND, "by hand");
  app_run(&fixture->queue, "UPDATE llm_jobs SET status = 'failed' WHERE id = %Q", THIRD);
  assert_error(&fixture->events, "failed", "INVALID");
}

static void a_row_that_is_removed_or_spoilt_is_answered_too(void **state) {
  engine_fixture *fixture = *state;
  engine_start(fixture, "", "");
  (void)ask(fixture, "worker:throttle", "{\"concurrency\":0}");
  send_request(&fixture->events, "removed", "{\"jobId\":\"" FIRST "\",\"model\":\"p/x\",\"prompt\":\"Hello\"}");
  send_request(&fixture->events, "spoilt", "{\"jobId\":\"" SECOND "\",\"model\":\"p/x\",\"prompt\":\"Hello\"}");
  send_request(&fixture->events, "huge", "{\"jobId\":\"" THIRD "\",\"model\":\"p/x\",\"prompt\":\"Hello\"}");
  wait_row(fixture, THIRD);
  app_run(&fixture->queue, "DELETE FROM llm_jobs WHERE id = %Q", FIRST);
  assert_error(&fixture->events, "removed", "NOT_FOUND");
  app_run(&fixture->queue, "UPDATE llm_jobs SET status = 'completed', result = '{no json' WHERE id = %Q", SECOND);
  const cJSON *payload = payload_of(answer_to(&fixture->events, "spoilt"));
  assert_true(cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(payload, "result")));
  app_run(&fixture->queue, "UPDATE llm_jobs SET status = 'completed', result = '\"' || printf('%%.*c', 5000000, 'x') || '\"' WHERE id = %Q", THIRD);
  assert_error(&fixture->events, "huge", "TOO_BIG");
}

/* Nobody reads for a while: no answer is lost, they wait for room. */
static void answers_wait_for_room(void **state) {
  engine_fixture *fixture = *state;
  engine_start(fixture, "", "");
  (void)ask(fixture, "worker:throttle", "{\"concurrency\":0}");
  for (int i = 0; i < 6; i++) {
    char id[8];
    char payload[128];
    (void)snprintf(id, sizeof id, "r%d", i);
    (void)snprintf(payload, sizeof payload, "{\"jobId\":\"%032d\",\"model\":\"p/x\",\"prompt\":\"Hello\"}", i);
    send_request(&fixture->events, id, payload);
  }
  wait_row(fixture, "00000000000000000000000000000005");
  app_run(&fixture->queue, "UPDATE llm_jobs SET status = 'completed', result = '{\"text\":\"' || printf('%%.*c', 3000000, 'x') || '\"}'");
  for (int i = 0; i < 6; i++) {
    char id[8];
    (void)snprintf(id, sizeof id, "r%d", i);
    (void)usleep(100000); /* two find room, the others come when those were taken */
    assert_int_equal(strlen(lj_json_string(lj_json_object(payload_of(answer_to(&fixture->events, id)), "result"), "text")), 3000000);
  }
  assert_int_equal(stat_of(fixture, "droppedEvents"), 0);
}

static void no_more_requests_than_max_queue(void **state) {
  engine_fixture *fixture = *state;
  loopback_script(fixture->server, (loopback_reply){.bytes = sse_reply(fixture), .gate = 30});
  engine_start(fixture, ",\"maxQueue\":2", "");
  send_request(&fixture->events, "one", "{\"jobId\":\"" FIRST "\",\"model\":\"p/x\",\"prompt\":\"Hello\"}");
  send_request(&fixture->events, "two", "{\"jobId\":\"" SECOND "\",\"model\":\"p/x\",\"prompt\":\"Hello\"}");
  send_request(&fixture->events, "three", "{\"jobId\":\"" THIRD "\",\"model\":\"p/x\",\"prompt\":\"Hello\"}");
  assert_error(&fixture->events, "three", "QUEUE_FULL");
  assert_rows(&fixture->queue, "0", "SELECT count(*) FROM llm_jobs WHERE id = %Q", THIRD);
  add_job(fixture, "any", "p/x", HELLO); /* rows of the table are not counted */
  loopback_open_gate(fixture->server);
  assert_result(&fixture->events, "one", FIRST, "Hello world");
  assert_result(&fixture->events, "two", SECOND, "Hello world");
  wait_job(fixture, "any", "completed");
  send_request(&fixture->events, "again", "{\"jobId\":\"" THIRD "\",\"model\":\"p/x\",\"prompt\":\"Hello\"}");
  assert_result(&fixture->events, "again", THIRD, "Hello world");
}

static void a_request_that_is_repeated_is_the_same_job(void **state) {
  engine_fixture *fixture = *state;
  loopback_script(fixture->server, (loopback_reply){.bytes = sse_reply(fixture), .gate = 30});
  engine_start(fixture, "", "");
  send_request(&fixture->events, "one", "{\"jobId\":\"" FIRST "\",\"model\":\"p/x\",\"data\":{\"prompt\":\"Hello\",\"temperature\":0.5}}");
  send_request(&fixture->events, "two", "{\"jobId\":\"" FIRST "\",\"model\":\"p/x\",\"data\":{\"prompt\":\"Hello\",\"temperature\":0.5}}");
  assert_true(loopback_wait_requests(fixture->server, 1));
  send_request(&fixture->events, "three", "{\"jobId\":\"" FIRST "\",\"model\":\"p/x\",\"data\":{\"prompt\":\"Hello\",\"temperature\":0.5}}");
  send_request(&fixture->events, "other", "{\"jobId\":\"" FIRST "\",\"model\":\"p/x\",\"data\":{\"prompt\":\"Bye\"}}");
  send_request(&fixture->events, "model", "{\"jobId\":\"" FIRST "\",\"data\":{\"prompt\":\"Hello\",\"temperature\":0.5}}");
  assert_error(&fixture->events, "other", "INVALID");
  assert_error(&fixture->events, "model", "INVALID");
  loopback_open_gate(fixture->server);
  assert_result(&fixture->events, "one", FIRST, "Hello world");
  assert_result(&fixture->events, "two", FIRST, "Hello world");
  assert_result(&fixture->events, "three", FIRST, "Hello world");
  send_request(&fixture->events, "late", "{\"jobId\":\"" FIRST "\",\"model\":\"p/x\",\"data\":{\"prompt\":\"Hello\",\"temperature\":0.5}}");
  assert_result(&fixture->events, "late", FIRST, "Hello world");
  assert_rows(&fixture->queue, "1", "SELECT count(*) FROM llm_jobs");
  assert_int_equal(loopback_requests(fixture->server), 1);
}

static void a_host_asks_again_after_the_worker_has_gone(void **state) {
  engine_fixture *fixture = *state;
  loopback_script(fixture->server, (loopback_reply){.bytes = sse_reply(fixture), .gate = 30});
  engine_start(fixture, "", "");
  send_request(&fixture->events, "r", "{\"jobId\":\"" FIRST "\",\"model\":\"p/x\",\"prompt\":\"Hello\"}");
  assert_true(loopback_wait_requests(fixture->server, 1));
  event_log_close(&fixture->events);
  assert_rows(&fixture->queue, "waiting|0", "SELECT status, attempts FROM llm_jobs");
  event_log_open(&fixture->events);
  loopback_open_gate(fixture->server);
  engine_start(fixture, "", "");
  send_request(&fixture->events, "r", "{\"jobId\":\"" FIRST "\",\"model\":\"p/x\",\"prompt\":\"Hello\"}");
  assert_result(&fixture->events, "r", FIRST, "Hello world");
  assert_completed(fixture, FIRST);
}

static void a_request_waits_for_the_write_lock(void **state) {
  engine_fixture *fixture = *state;
  script(fixture, sse_reply(fixture));
  engine_start(fixture, "", "");
  app_run(&fixture->queue, "BEGIN IMMEDIATE");
  send_request(&fixture->events, "r", "{\"jobId\":\"" FIRST "\",\"model\":\"p/x\",\"prompt\":\"Hello\"}");
  some_turns(fixture);
  assert_false(answered(&fixture->events, "r"));
  app_run(&fixture->queue, "COMMIT");
  assert_result(&fixture->events, "r", FIRST, "Hello world");
}

static void a_drain_waits_until_the_row_is_written(void **state) {
  engine_fixture *fixture = *state;
  engine_start(fixture, "", "");
  app_run(&fixture->queue, "BEGIN IMMEDIATE");
  send_request(&fixture->events, "r", "{\"jobId\":\"" FIRST "\",\"model\":\"p/x\",\"prompt\":\"Hello\"}");
  assert_code(lj_engine_send(fixture->events.engine, "{\"id\":\"d\",\"channel\":\"worker:drain\",\"payload\":{\"deadlineMs\":60000}}"), LJ_OK);
  some_turns(fixture);
  assert_false(answered(&fixture->events, "d"));
  app_run(&fixture->queue, "COMMIT");
  assert_true(lj_json_bool(payload_of(answer_to(&fixture->events, "d")), "drained", false));
  assert_rows(&fixture->queue, "waiting", "SELECT status FROM llm_jobs WHERE id = %Q", FIRST);
}

static void a_row_that_the_app_refuses_is_told(void **state) {
  engine_fixture *fixture = *state;
  script(fixture, sse_reply(fixture));
  engine_start(fixture, "", "");
  app_run(&fixture->queue, "CREATE TRIGGER no_chats BEFORE INSERT ON llm_jobs WHEN new.name = 'chat' BEGIN SELECT RAISE(ABORT, 'no'); END");
  send_request(&fixture->events, "refused", "{\"jobId\":\"" FIRST "\",\"name\":\"chat\",\"model\":\"p/x\",\"prompt\":\"Hello\"}");
  send_request(&fixture->events, "taken", "{\"jobId\":\"" SECOND "\",\"model\":\"p/x\",\"prompt\":\"Hello\"}");
  assert_error(&fixture->events, "refused", "REFUSED");
  assert_result(&fixture->events, "taken", SECOND, "Hello world");
  assert_rows(&fixture->queue, SECOND, "SELECT id FROM llm_jobs");
}

static void a_released_database_takes_no_request(void **state) {
  engine_fixture *fixture = *state;
  script(fixture, sse_reply(fixture));
  engine_start(fixture, "", "");
  (void)ask(fixture, "worker:throttle", "{\"concurrency\":0}");
  send_request(&fixture->events, "before", "{\"jobId\":\"" FIRST "\",\"model\":\"p/x\",\"prompt\":\"Hello\"}");
  wait_row(fixture, FIRST);
  assert_true(lj_json_bool(payload_of(ask(fixture, "worker:release", "{\"deadlineMs\":0}")), "released", false));
  send_request(&fixture->events, "released", "{\"jobId\":\"" SECOND "\",\"model\":\"p/x\",\"prompt\":\"Hello\"}");
  assert_error(&fixture->events, "released", "CLOSED");
  app_run(&fixture->queue, "UPDATE llm_jobs SET status = 'completed', result = '{\"text\":\"meanwhile\"}'");
  (void)ask(fixture, "worker:resume", NULL);
  assert_result(&fixture->events, "before", FIRST, "meanwhile");
}

static void wrong_requests_are_refused_and_add_nothing(void **state) {
  static const char *const wrong[] = {
      "{}", "{\"model\":\"p/x\"}", "{\"prompt\":\"\"}", "{\"prompt\":5}", "{\"prompt\":\"x\",\"data\":{}}", "{\"data\":[]}", "{\"data\":\"x\"}",
      "{\"prompt\":\"x\",\"jobId\":\"a\"}", "{\"prompt\":\"x\",\"jobId\":\"" ID("A1") "\"}", "{\"prompt\":\"x\",\"jobId\":7}",
      "{\"prompt\":\"x\",\"name\":\"\"}", "{\"prompt\":\"x\",\"queue\":{}}", "{\"prompt\":\"x\",\"model\":1}", "{\"prompt\":\"x\",\"priority\":1.5}",
      "{\"prompt\":\"x\",\"priority\":\"10\"}", "{\"prompt\":\"x\",\"maxAttempts\":0}", "{\"prompt\":\"x\",\"maxAttempts\":1001}",
      "{\"prompt\":\"x\",\"opts\":[]}", "{\"prompt\":\"x\",\"proirity\":1}"};
  engine_fixture *fixture = *state;
  engine_start(fixture, "", "");
  for (size_t i = 0; i < COUNT_OF(wrong); i++) {
    const char *code = lj_json_string(lj_json_object(ask(fixture, "worker:processRequest", wrong[i]), "error"), "code");
    if (code == NULL || strcmp(code, "INVALID") != 0) fail_msg("%s gave %s", wrong[i], code != NULL ? code : "a result");
  }
  assert_string_equal(lj_json_string(lj_json_object(ask(fixture, "worker:processRequest", NULL), "error"), "code"), "INVALID");
  some_turns(fixture);
  assert_rows(&fixture->queue, "0", "SELECT count(*) FROM llm_jobs");
}

static void a_request_that_nobody_waits_for_is_a_row_all_the_same(void **state) {
  engine_fixture *fixture = *state;
  script(fixture, sse_reply(fixture));
  engine_start(fixture, ",\"maxQueue\":1", "");
  assert_code(lj_engine_send(fixture->events.engine, "{\"channel\":\"worker:processRequest\",\"payload\":{\"jobId\":\"" FIRST "\",\"model\":\"p/x\",\"prompt\":\"Hello\"}}"), LJ_OK);
  wait_job(fixture, FIRST, "completed");
  send_request(&fixture->events, "r", "{\"jobId\":\"" SECOND "\",\"model\":\"p/x\",\"prompt\":\"Hello\"}"); /* it does not count any more */
  assert_result(&fixture->events, "r", SECOND, "Hello world");
}

static void a_hundred_requests_each_get_their_own_answer(void **state) {
  engine_fixture *fixture = *state;
  script(fixture, sse_reply(fixture));
  engine_start(fixture, ",\"concurrency\":20", "");
  for (int i = 0; i < 100; i++) {
    char id[8];
    char payload[160];
    (void)snprintf(id, sizeof id, "r%d", i);
    (void)snprintf(payload, sizeof payload, "{\"jobId\":\"%032d\",\"model\":\"%s\",\"prompt\":\"Hello\"}", i, i % 3 == 0 ? "nobody/x" : "p/x");
    send_request(&fixture->events, id, payload);
    if (i % 10 == 0) (void)ask(fixture, "worker:heartbeat", NULL);
  }
  for (int i = 0; i < 100; i++) {
    char id[8];
    char job[40];
    (void)snprintf(id, sizeof id, "r%d", i);
    (void)snprintf(job, sizeof job, "%032d", i);
    if (i % 3 == 0)
      assert_error(&fixture->events, id, "NO_PROVIDER");
    else
      assert_result(&fixture->events, id, job, "Hello world");
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      engine_test(a_request_is_a_row_and_its_answer_the_result),
      engine_test(all_of_a_request_is_in_its_row),
      engine_test(a_request_without_an_id_gets_one),
      engine_test(a_job_that_fails_answers_with_its_error),
      engine_test(a_job_that_is_cancelled_says_so),
      engine_test(whoever_runs_the_job_it_is_answered),
      engine_test(a_row_that_is_removed_or_spoilt_is_answered_too),
      engine_test(answers_wait_for_room),
      engine_test(no_more_requests_than_max_queue),
      engine_test(a_request_that_is_repeated_is_the_same_job),
      engine_test(a_host_asks_again_after_the_worker_has_gone),
      engine_test(a_request_waits_for_the_write_lock),
      engine_test(a_drain_waits_until_the_row_is_written),
      engine_test(a_row_that_the_app_refuses_is_told),
      engine_test(a_released_database_takes_no_request),
      engine_test(wrong_requests_are_refused_and_add_nothing),
      engine_test(a_request_that_nobody_waits_for_is_a_row_all_the_same),
      engine_test(a_hundred_requests_each_get_their_own_answer),
  };
  lj_memory_init();
  return cmocka_run_group_tests_name("engine: requests by message", tests, NULL, NULL);
}
