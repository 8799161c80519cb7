/* SPDX-License-Identifier: MIT
 *
 * worker:subscribe with a job: the answer's text and the events behind it are the stream, whenever the subscriber comes.
 */
#include "support/engine_fixture.h"

enum { PIECES = 200 };

/* What a subscriber has who began with the answer `id`: its text, then each event's. */
static char *heard(engine_fixture *fixture, const char *id, const char *job) {
  lj_buffer text;
  const cJSON *message = NULL;
  const cJSON *item = NULL;
  bool listening = false;
  lj_buffer_init(&text, 1 << 20);
  cJSON_ArrayForEach(message, fixture->events.seen) {
    const char *its_id = lj_json_string(message, "id");
    if (its_id != NULL && strcmp(its_id, id) == 0) {
      assert_true(lj_json_bool(payload_of(message), "tokens", false));
      assert_code(lj_buffer_append_text(&text, lj_json_string(payload_of(message), "text")), LJ_OK);
      listening = true;
    }
    if (!listening || strcmp(lj_json_string(message, "channel"), "worker:token") != 0) continue;
    cJSON_ArrayForEach(item, lj_json_array(payload_of(message), "tokens")) {
      if (strcmp(lj_json_string(item, "id"), job) != 0) continue;
      if (lj_json_bool(item, "restart", false)) lj_buffer_clear(&text);
      assert_code(lj_buffer_append_text(&text, lj_json_string(item, "text")), LJ_OK);
    }
  }
  char *out = lj_buffer_take(&text);
  assert_non_null(out);
  return out;
}

static void assert_heard(engine_fixture *fixture, const char *id, const char *job, const char *expected) {
  char *text = heard(fixture, id, job);
  if (strcmp(text, expected) != 0) fail_msg("%s heard \"%s\" of %s, not \"%s\"", id, text, job, expected);
  lj_free(text);
}

static bool tokens_of(event_log *log, const void *job) {
  const cJSON *message = NULL;
  const cJSON *item = NULL;
  cJSON_ArrayForEach(message, log->seen) {
    if (strcmp(lj_json_string(message, "channel"), "worker:token") != 0) continue;
    cJSON_ArrayForEach(item, lj_json_array(payload_of(message), "tokens")) if (strcmp(lj_json_string(item, "id"), job) == 0) return true;
  }
  return false;
}

/* Returns the text so far. */
static const char *subscribe(engine_fixture *fixture, const char *id, const char *job) {
  char payload[128];
  (void)snprintf(payload, sizeof payload, "{\"jobId\":\"%s\",\"tokens\":true}", job);
  return lj_json_string(payload_of(ask_log(&fixture->events, id, "worker:subscribe", payload)), "text");
}

/* A stream of PIECES numbers; *text is what it says. */
static const char *numbers(engine_fixture *fixture, char text[PIECES * 8]) {
  lj_buffer body;
  lj_buffer_init(&body, 1 << 20);
  size_t used = 0;
  for (int i = 0; i < PIECES; i++) {
    char event[256];
    (void)snprintf(event, sizeof event, SSE_TEXT("%d,"), i);
    assert_code(lj_buffer_append_text(&body, event), LJ_OK);
    used += (size_t)snprintf(text + used, 8, "%d,", i);
  }
  assert_code(lj_buffer_append_text(&body, SSE_STOP SSE_DONE), LJ_OK);
  const char *reply = http_reply(fixture, 200, "text/event-stream", "", body.data);
  lj_buffer_free(&body);
  return reply;
}

static void whenever_a_subscriber_comes_it_has_the_whole_stream(void **state) {
  engine_fixture *fixture = *state;
  char text[PIECES * 8];
  loopback_script(fixture->server, (loopback_reply){.bytes = numbers(fixture, text), .piece = 701, .pause_ms = 1});
  engine_start(fixture, ",\"concurrency\":2", "");
  (void)subscribe(fixture, "a-0", "a");
  (void)subscribe(fixture, "b-0", "b");
  add_job(fixture, "a", "p/x", HELLO);
  add_job(fixture, "b", "p/x", HELLO);
  lj_engine_notify(fixture->events.engine);
  char ids[40][8];
  bool midway[40];
  for (int i = 1; i < 40; i++) {
    (void)snprintf(ids[i], sizeof ids[i], "%s-%d", i % 2 == 0 ? "a" : "b", i);
    const char *so_far = subscribe(fixture, ids[i], i % 2 == 0 ? "a" : "b");
    midway[i] = *so_far != '\0' && strlen(so_far) < strlen(text);
    for (int turn = 0; turn < 3; turn++) (void)ask(fixture, "worker:heartbeat", NULL);
  }
  wait_job(fixture, "a", "completed");
  wait_job(fixture, "b", "completed");
  assert_heard(fixture, "a-0", "a", text);
  assert_heard(fixture, "b-0", "b", text);
  size_t late = 0;
  for (int i = 1; i < 40; i++) {
    if (!midway[i]) continue; /* one that came after the end has nothing; the row has it */
    late++;
    assert_heard(fixture, ids[i], i % 2 == 0 ? "a" : "b", text);
  }
  assert_true(late > 0);
}

static void only_the_followed_job_is_told_of(void **state) {
  engine_fixture *fixture = *state;
  script(fixture, sse_reply(fixture));
  engine_start(fixture, "", "");
  (void)subscribe(fixture, "s", "a");
  add_job(fixture, "a", "p/x", HELLO);
  add_job(fixture, "b", "p/x", HELLO);
  wait_job(fixture, "a", "completed");
  wait_job(fixture, "b", "completed");
  assert_heard(fixture, "s", "a", "Hello world");
  assert_false(tokens_of(&fixture->events, "b"));
  assert_int_equal(stat_of(fixture, "droppedTokens"), 0);
}

static void who_lets_go_is_told_no_more(void **state) {
  engine_fixture *fixture = *state;
  const char *reply = sse_reply(fixture);
  loopback_script(fixture->server, (loopback_reply){.bytes = reply, .gate = (size_t)(strstr(reply, " world") - reply) - 30});
  engine_start(fixture, "", "");
  (void)subscribe(fixture, "s", "a");
  add_job(fixture, "a", "p/x", HELLO);
  event_log_wait(&fixture->events, tokens_of, "a", "the first text");
  assert_false(lj_json_bool(payload_of(ask(fixture, "worker:subscribe", "{\"jobId\":\"a\",\"tokens\":false}")), "tokens", true));
  loopback_open_gate(fixture->server);
  wait_job(fixture, "a", "completed");
  assert_heard(fixture, "s", "a", "Hello");
}

/* Everybody's subscription and the job's own are one stream of events: none is told twice. */
static void a_job_that_is_followed_twice_is_told_once(void **state) {
  engine_fixture *fixture = *state;
  const char *reply = sse_reply(fixture);
  loopback_script(fixture->server, (loopback_reply){.bytes = reply, .gate = (size_t)(strstr(reply, " world") - reply) - 30});
  engine_start(fixture, "", "");
  const cJSON *all = payload_of(ask(fixture, "worker:subscribe", "{\"tokens\":true}"));
  assert_null(lj_json_get(all, "text"));
  (void)subscribe(fixture, "s", "a");
  add_job(fixture, "a", "p/x", HELLO);
  event_log_wait(&fixture->events, tokens_of, "a", "the first text");
  (void)subscribe(fixture, "late", "a");
  (void)ask(fixture, "worker:subscribe", "{\"tokens\":false}");
  loopback_open_gate(fixture->server);
  wait_job(fixture, "a", "completed");
  assert_heard(fixture, "s", "a", "Hello world");
  assert_heard(fixture, "late", "a", "Hello world");
}

static void a_retry_is_told_and_the_end_ends_the_subscription(void **state) {
  engine_fixture *fixture = *state;
  loopback_script(fixture->server,
                  (loopback_reply){.times = 1, .bytes = http_reply(fixture, 200, "text/event-stream", "", SSE_TEXT("Lost"))});
  script(fixture, sse_reply(fixture));
  engine_start(fixture, "", "");
  (void)subscribe(fixture, "s", "a");
  app_run(&fixture->queue, "INSERT INTO llm_jobs (id, name, model, data, opts) VALUES ('a', 'job', 'p/x', %Q, '{\"backoff\":{\"delayMs\":1}}')", HELLO);
  wait_job(fixture, "a", "completed");
  assert_heard(fixture, "s", "a", "LostHello world"); /* worker:job tells of the retry between the two */
  assert_string_equal(job_events(fixture, "a"), "active/1 delayed/1:PROTOCOL active/2 completed/2");
  app_run(&fixture->queue, "UPDATE llm_jobs SET status = 'waiting', finished_on = NULL WHERE id = 'a'");
  add_job(fixture, "b", "p/x", HELLO);
  wait_job(fixture, "b", "completed");
  assert_rows(&fixture->queue, "2", "SELECT count(*) FROM llm_jobs WHERE status = 'completed'");
  assert_heard(fixture, "s", "a", "LostHello world");
}

static void another_target_begins_anew(void **state) {
  engine_fixture *fixture = *state;
  const char *lost = http_reply(fixture, 200, "text/event-stream", "", SSE_TEXT("Lost"));
  loopback_script(fixture->server, (loopback_reply){.when = "\"first\"", .bytes = lost, .gate = strlen(lost) - 2});
  script_for(fixture, "\"second\"", ollama_reply(fixture));
  engine_start(fixture, "", "");
  add_job(fixture, "a", "both", HELLO);
  assert_true(loopback_wait_requests(fixture->server, 1));
  const char *so_far = "";
  char id[16] = "";
  for (int i = 0; i < 1000 && *so_far == '\0'; i++) { /* the text comes some time after the request */
    (void)snprintf(id, sizeof id, "late-%d", i);
    so_far = subscribe(fixture, id, "a");
  }
  loopback_open_gate(fixture->server);
  wait_job(fixture, "a", "completed");
  assert_heard(fixture, id, "a", "Hello world");
}

static void text_that_a_filter_has_not_seen_is_not_told(void **state) {
  engine_fixture *fixture = *state;
  const char *reply = sse_reply(fixture);
  loopback_script(fixture->server, (loopback_reply){.bytes = reply, .gate = (size_t)(strstr(reply, " world") - reply) - 30});
  engine_start(fixture, ",\"filters\":[{\"on\":\"answer\",\"pattern\":\"secret\",\"action\":\"refuse\"}]", "");
  add_job(fixture, "a", "p/x", HELLO);
  assert_true(loopback_wait_requests(fixture->server, 1));
  for (int i = 0; i < 20; i++) {
    char id[16];
    (void)snprintf(id, sizeof id, "s-%d", i);
    (void)subscribe(fixture, id, "a");
  }
  loopback_open_gate(fixture->server);
  wait_job(fixture, "a", "completed");
  for (int i = 0; i < 20; i++) {
    char id[16];
    (void)snprintf(id, sizeof id, "s-%d", i);
    assert_heard(fixture, id, "a", "");
  }
}

static void no_more_jobs_are_followed_than_the_ceiling(void **state) {
  engine_fixture *fixture = *state;
  engine_start(fixture, "", "");
  for (int i = 0; i < LJ_MAX_NAMES; i++) {
    char id[16];
    char job[16];
    (void)snprintf(id, sizeof id, "s-%d", i);
    (void)snprintf(job, sizeof job, "job-%d", i);
    (void)subscribe(fixture, id, job);
    assert_heard(fixture, id, job, "");
  }
  const cJSON *refused = ask(fixture, "worker:subscribe", "{\"jobId\":\"more\",\"tokens\":true}");
  assert_string_equal(lj_json_string(lj_json_object(refused, "error"), "code"), "TOO_BIG");
  (void)ask(fixture, "worker:subscribe", "{\"jobId\":\"job-7\",\"tokens\":false}");
  (void)subscribe(fixture, "again", "more");
  assert_heard(fixture, "again", "more", "");
}

static void wrong_subscriptions_are_refused(void **state) {
  static const char *const wrong[] = {NULL, "{}", "{\"jobId\":\"a\"}", "{\"jobId\":5,\"tokens\":true}", "{\"jobId\":\"\",\"tokens\":true}",
                                      "{\"jobId\":\"a\",\"tokens\":1}"};
  engine_fixture *fixture = *state;
  engine_start(fixture, "", "");
  for (size_t i = 0; i < COUNT_OF(wrong); i++) {
    const char *code = lj_json_string(lj_json_object(ask(fixture, "worker:subscribe", wrong[i]), "error"), "code");
    if (code == NULL || strcmp(code, "INVALID") != 0) fail_msg("%s gave %s", wrong[i], code != NULL ? code : "no error");
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      engine_test(whenever_a_subscriber_comes_it_has_the_whole_stream),
      engine_test(only_the_followed_job_is_told_of),
      engine_test(who_lets_go_is_told_no_more),
      engine_test(a_job_that_is_followed_twice_is_told_once),
      engine_test(a_retry_is_told_and_the_end_ends_the_subscription),
      engine_test(another_target_begins_anew),
      engine_test(text_that_a_filter_has_not_seen_is_not_told),
      engine_test(no_more_jobs_are_followed_than_the_ceiling),
      engine_test(wrong_subscriptions_are_refused),
  };
  lj_memory_init();
  return cmocka_run_group_tests_name("engine: live text of one job", tests, NULL, NULL);
}
