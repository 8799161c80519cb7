/* SPDX-License-Identifier: MIT
 *
 * The public functions from many threads at once, and engines that come and go. Meant for the thread sanitizer.
 */
#include <stdatomic.h>
#include <unistd.h>

#include "base/thread.h"
#include "support/engine_fixture.h"

enum { SENDERS = 3, MESSAGES = 300, JOBS = 100 };

typedef struct sender {
  lj_engine *engine;
  int number;
  int sent;      /* messages with an id that were taken */
  atomic_bool *stop;
  lj_thread thread;
} sender;

static void send_many(void *argument) {
  static const char *const channels[] = {"worker:heartbeat", "worker:stats", "worker:subscribe", "worker:unheard"};
  sender *own = argument;
  char message[128];
  for (int i = 0; i < MESSAGES; i++) {
    (void)snprintf(message, sizeof message, "{\"id\":\"%d-%d\",\"channel\":\"%s\",\"payload\":{\"tokens\":%s}}", own->number, i,
                   channels[i % 4], i % 8 < 4 ? "true" : "false");
    if (lj_engine_send(own->engine, message) == 0) own->sent++;
    if (i % 16 == 0) (void)usleep(200);
  }
}

static void notify_until_told(void *argument) {
  sender *own = argument;
  while (!atomic_load(own->stop)) {
    lj_engine_notify(own->engine);
    (void)usleep(100);
  }
}

typedef struct taker {
  lj_engine *engine;
  atomic_bool *stop;
  int answers;
  int jobs_completed;
  int broken; /* texts that were no JSON array */
  lj_thread thread;
} taker;

static void count_events(taker *own, const cJSON *array) {
  const cJSON *message = NULL;
  const cJSON *item = NULL;
  if (!cJSON_IsArray(array)) own->broken++;
  cJSON_ArrayForEach(message, array) {
    if (lj_json_string(message, "id") != NULL) own->answers++;
    cJSON_ArrayForEach(item, lj_json_array(lj_json_object(message, "payload"), "jobs")) {
      const char *status = lj_json_string(item, "status");
      if (status != NULL && strcmp(status, "completed") == 0) own->jobs_completed++;
    }
  }
}

static void take_once(taker *own) {
  char *text = NULL;
  cJSON *array = NULL;
  if (lj_engine_take(own->engine, &text) != 0 || text == NULL) return;
  if (lj_json_parse(text, strlen(text), &array) != LJ_OK) own->broken++;
  lj_engine_free_text(text);
  count_events(own, array);
  cJSON_Delete(array);
}

static void take_many(void *argument) {
  taker *own = argument;
  while (!atomic_load(own->stop)) {
    take_once(own);
    (void)usleep(100);
  }
}

static void all_functions_at_once_while_jobs_run(void **state) {
  engine_fixture *fixture = *state;
  sender senders[SENDERS];
  sender notifier;
  taker takers[2];
  atomic_bool stop = false;
  lj_engine *engine = NULL;
  int sent = 0;
  loopback_script(fixture->server, (loopback_reply){.when = "/api/chat", .bytes = ollama_reply(fixture), .piece = 50});
  loopback_script(fixture->server, (loopback_reply){.bytes = sse_reply(fixture), .piece = 100});
  app_run(&fixture->queue, "BEGIN");
  for (int i = 0; i < JOBS; i++)
    app_run(&fixture->queue, "INSERT INTO llm_jobs (name, model, data) VALUES ('n', %Q, '{\"prompt\":\"x\"}')", i % 3 == 0 ? "o/y" : "p/x");
  app_run(&fixture->queue, "COMMIT");
  lj_engine_options options = {.config = engine_config(fixture, "w", ",\"concurrency\":20", "")};
  assert_code(lj_engine_start(&options, &engine, NULL), LJ_OK);
  for (int i = 0; i < SENDERS; i++) {
    senders[i] = (sender){.engine = engine, .number = i};
    assert_code(lj_thread_start(&senders[i].thread, "sender", send_many, &senders[i]), LJ_OK);
  }
  notifier = (sender){.engine = engine, .stop = &stop};
  assert_code(lj_thread_start(&notifier.thread, "notifier", notify_until_told, &notifier), LJ_OK);
  for (int i = 0; i < 2; i++) {
    takers[i] = (taker){.engine = engine, .stop = &stop};
    assert_code(lj_thread_start(&takers[i].thread, "taker", take_many, &takers[i]), LJ_OK);
  }
  for (int i = 0; i < SENDERS; i++) {
    lj_thread_join(&senders[i].thread);
    sent += senders[i].sent;
  }
  for (int i = 0; app_number(&fixture->queue, "SELECT count(*) FROM llm_jobs WHERE status = 'completed'") < JOBS; i++) {
    assert_true(i < 20000);
    (void)usleep(1000);
  }
  /* The last answer is behind all others. */
  assert_code(lj_engine_send(engine, "{\"id\":\"last\",\"channel\":\"worker:drain\"}"), LJ_OK);
  atomic_store(&stop, true);
  lj_thread_join(&notifier.thread);
  for (int i = 0; i < 2; i++) lj_thread_join(&takers[i].thread);
  taker rest = {.engine = engine};
  for (int i = 0; rest.answers + takers[0].answers + takers[1].answers < sent + 1; i++) {
    assert_true(i < 20000);
    take_once(&rest);
    (void)usleep(1000);
  }
  lj_engine_stop(engine);
  assert_int_equal(sent, SENDERS * MESSAGES);
  assert_int_equal(rest.answers + takers[0].answers + takers[1].answers, sent + 1);
  assert_int_equal(rest.jobs_completed + takers[0].jobs_completed + takers[1].jobs_completed, JOBS);
  assert_int_equal(rest.broken + takers[0].broken + takers[1].broken, 0);
  assert_int_equal(loopback_requests(fixture->server), JOBS);
}

static void engines_start_and_stop_fifty_times(void **state) {
  engine_fixture *fixture = *state;
  script(fixture, sse_reply(fixture));
  for (int i = 0; i < 200; i++) app_run(&fixture->queue, "INSERT INTO llm_jobs (name, model, data) VALUES ('n', 'p/x', '{\"prompt\":\"x\"}')");
  app_run(&fixture->queue, "CREATE TABLE ends (id TEXT); CREATE TRIGGER count_ends AFTER UPDATE OF status ON llm_jobs WHEN new.status = 'completed' "
                           "BEGIN INSERT INTO ends VALUES (new.id); END");
  const char *config = engine_config(fixture, "w", "", "");
  for (int i = 0; i < 50; i++) {
    lj_engine_options options = {.config = config};
    lj_engine *engine = NULL;
    assert_code(lj_engine_start(&options, &engine, NULL), LJ_OK);
    if (i % 3 == 1) lj_engine_notify(engine);
    if (i % 3 == 2) (void)usleep((useconds_t)(i * 100));
    if (i % 5 == 0) assert_code(lj_engine_send(engine, "{\"id\":\"x\",\"channel\":\"worker:stats\"}"), LJ_OK);
    lj_engine_stop(engine);
    /* Stop has given everything back. */
    assert_rows(&fixture->queue, "0|0", "SELECT count(*) FILTER (WHERE status = 'active'), count(*) FILTER (WHERE lease_token IS NOT NULL) FROM llm_jobs");
  }
  assert_int_equal(app_number(&fixture->queue, "SELECT sum(stalls) FROM llm_jobs"), 0);
  event_log_start(&fixture->events, config);
  for (int i = 0; app_number(&fixture->queue, "SELECT count(*) FROM llm_jobs WHERE status = 'completed'") < 200; i++) {
    assert_true(i < 20000);
    (void)usleep(1000);
  }
  assert_rows(&fixture->queue, "200|200", "SELECT count(*), count(DISTINCT id) FROM ends");
  assert_rows(&fixture->queue, "1", "SELECT DISTINCT attempts FROM llm_jobs");
}

static void stop_while_calls_are_in_every_state(void **state) {
  engine_fixture *fixture = *state;
  const char *reply = sse_reply(fixture);
  loopback_script(fixture->server, (loopback_reply){.when = "\"silent\"", .bytes = NULL, .then = LOOPBACK_SILENT});
  loopback_script(fixture->server, (loopback_reply){.when = "\"slow\"", .bytes = reply, .piece = 20, .pause_ms = 1});
  loopback_script(fixture->server, (loopback_reply){.when = "\"cut\"", .bytes = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nx", .then = LOOPBACK_RESET});
  script(fixture, reply);
  for (int round = 0; round < 10; round++) {
    static const char *const models[] = {"p/silent", "p/slow", "p/cut", "p/good", "gone/x", "nobody/x"};
    lj_engine *engine = NULL;
    for (size_t i = 0; i < 24; i++)
      app_run(&fixture->queue, "INSERT INTO llm_jobs (name, model, data) VALUES ('n', %Q, '{\"prompt\":\"x\"}')", models[i % COUNT_OF(models)]);
    lj_engine_options options = {.config = engine_config(fixture, "w", ",\"concurrency\":24", "")};
    assert_code(lj_engine_start(&options, &engine, NULL), LJ_OK);
    (void)usleep((useconds_t)(round * 1500));
    lj_engine_stop(engine);
    assert_rows(&fixture->queue, "0", "SELECT count(*) FROM llm_jobs WHERE status = 'active'");
  }
  assert_rows(&fixture->queue, "0", "SELECT count(*) FROM llm_jobs WHERE status = 'waiting' AND model = 'p/silent' AND attempts > 0");
}

static void engines_of_two_files_run_side_by_side(void **state) {
  engine_fixture *first = *state;
  void *other = NULL;
  assert_int_equal(engine_setup(&other), 0);
  engine_fixture *second = other;
  script(first, sse_reply(first));
  script(second, sse_reply(second));
  engine_start(first, "", "");
  engine_start(second, "", "");
  for (int i = 0; i < 20; i++) {
    add_job(first, (char[]){(char)('a' + i), '\0'}, "p/x", "{\"prompt\":\"x\"}");
    add_job(second, (char[]){(char)('a' + i), '\0'}, "p/x", "{\"prompt\":\"x\"}");
  }
  wait_job(first, "t", "completed");
  event_log_close(&first->events); /* stops it; the other one's end changes nothing */
  event_log_open(&first->events);
  add_job(second, "later", "p/x", "{\"prompt\":\"x\"}");
  for (int i = 0; i < 20; i++) wait_job(second, (char[]){(char)('a' + i), '\0'}, "completed");
  wait_job(second, "later", "completed");
  assert_int_equal(loopback_requests(second->server), 21);
  assert_int_equal(engine_teardown(&other), 0);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      engine_test(all_functions_at_once_while_jobs_run),
      engine_test(engines_start_and_stop_fifty_times),
      engine_test(stop_while_calls_are_in_every_state),
      engine_test(engines_of_two_files_run_side_by_side),
  };
  lj_memory_init();
  return cmocka_run_group_tests_name("engine threads", tests, NULL, NULL);
}
