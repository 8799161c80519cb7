/* SPDX-License-Identifier: MIT
 *
 * The app writes to the same table while the engine works: it holds the lock, and its triggers see and refuse changes.
 */
#include <time.h>

#include "support/engine_fixture.h"

static void finished_call_is_written_however_long_the_app_holds_the_lock(void **state) {
  engine_fixture *fixture = *state;
  loopback_script(fixture->server, (loopback_reply){.bytes = sse_reply(fixture), .gate = 30});
  add_job(fixture, "a", "p/x", HELLO);
  engine_start(fixture, "", "");
  assert_true(loopback_wait_requests(fixture->server, 1));
  app_run(&fixture->queue, "BEGIN IMMEDIATE");
  loopback_open_gate(fixture->server);
  while (stat_of(fixture, "busy") < 5) event_log_collect(&fixture->events);
  assert_int_equal(stat_of(fixture, "unwritten"), 1);
  app_run(&fixture->queue, "COMMIT");
  wait_job(fixture, "a", "completed");
  assert_completed(fixture, "a");
  assert_int_equal(loopback_requests(fixture->server), 1);
}

static void stop_writes_an_answer_that_was_paid_for(void **state) {
  engine_fixture *fixture = *state;
  loopback_script(fixture->server, (loopback_reply){.bytes = sse_reply(fixture), .gate = 30});
  add_job(fixture, "a", "p/x", HELLO);
  engine_start(fixture, "", "");
  assert_true(loopback_wait_requests(fixture->server, 1));
  app_run(&fixture->queue, "BEGIN IMMEDIATE");
  loopback_open_gate(fixture->server);
  while (stat_of(fixture, "unwritten") == 0) event_log_collect(&fixture->events);
  app_run(&fixture->queue, "COMMIT");
  engine_stop(fixture);
  assert_completed(fixture, "a");
}

static void trigger_of_the_app_sees_every_change(void **state) {
  engine_fixture *fixture = *state;
  script(fixture, sse_reply(fixture));
  app_run(&fixture->queue, "CREATE TABLE notes (line TEXT); CREATE TRIGGER follow AFTER UPDATE OF status ON llm_jobs BEGIN "
                           "INSERT INTO notes VALUES (old.status || '>' || new.status || '=' || length(ifnull(new.result, ''))); END");
  add_job(fixture, "a", "p/x", HELLO);
  engine_start(fixture, "", "");
  wait_job(fixture, "a", "completed");
  assert_true(app_number(&fixture->queue, "SELECT count(*) FROM notes WHERE line LIKE 'active>completed=%%' AND line <> 'active>completed=0'") == 1);
  assert_rows(&fixture->queue, "waiting>active=0", "SELECT line FROM notes LIMIT 1");
}

static void end_that_a_trigger_refuses_waits_and_holds_up_no_other(void **state) {
  engine_fixture *fixture = *state;
  script(fixture, sse_reply(fixture));
  app_run(&fixture->queue, "CREATE TRIGGER guard BEFORE UPDATE OF status ON llm_jobs WHEN new.id = 'a' AND new.status = 'completed' BEGIN SELECT raise(ABORT, 'not yet'); END");
  add_job(fixture, "a", "p/x", HELLO);
  engine_start(fixture, ",\"concurrency\":2", "");
  for (int i = 0; i < 5; i++) {
    char id[] = {(char)('b' + i), '\0'};
    add_job(fixture, id, "p/x", HELLO);
    wait_job(fixture, id, "completed");
  }
  assert_rows(&fixture->queue, "active|1", "SELECT status, attempts FROM llm_jobs WHERE id = 'a'");
  app_run(&fixture->queue, "DROP TRIGGER guard");
  wait_job(fixture, "a", "completed");
  assert_completed(fixture, "a");
  assert_int_equal(loopback_requests(fixture->server), 6); /* it was paid for once */
}

static void claim_that_a_trigger_refuses_holds_up_no_other(void **state) {
  engine_fixture *fixture = *state;
  script(fixture, sse_reply(fixture));
  app_run(&fixture->queue, "CREATE TRIGGER guard BEFORE UPDATE OF status ON llm_jobs WHEN new.id = 'a' AND new.status = 'active' BEGIN SELECT raise(ABORT, 'no'); END");
  add_job(fixture, "a", "p/x", HELLO);
  app_run(&fixture->queue, "UPDATE llm_jobs SET priority = 9");
  add_job(fixture, "b", "p/x", HELLO);
  engine_start(fixture, ",\"concurrency\":1", "");
  wait_job(fixture, "b", "completed");
  assert_rows(&fixture->queue, "waiting|0", "SELECT status, attempts FROM llm_jobs WHERE id = 'a'");
  app_run(&fixture->queue, "DROP TRIGGER guard");
  engine_stop(fixture);
  engine_start(fixture, "", "");
  wait_job(fixture, "a", "completed");
}

static void partial_text_that_a_trigger_refuses_holds_up_no_other(void **state) {
  engine_fixture *fixture = *state;
  const struct timespec pause = {0, 5000000};
  loopback_script(fixture->server, (loopback_reply){.bytes = "HTTP/1.1 200 OK\r\n\r\n" SSE_TEXT("Half"), .then = LOOPBACK_SILENT});
  app_run(&fixture->queue, "CREATE TRIGGER guard BEFORE UPDATE OF partial ON llm_jobs WHEN new.id = 'a' AND new.partial IS NOT NULL BEGIN SELECT raise(ABORT, 'no'); END");
  add_job(fixture, "a", "p/x", HELLO);
  add_job(fixture, "b", "p/x", HELLO);
  engine_start(fixture, "", "");
  for (int i = 0; i < 4000 && app_number(&fixture->queue, "SELECT count(partial) FROM llm_jobs") == 0; i++) (void)nanosleep(&pause, NULL);
  assert_rows(&fixture->queue, "active|- active|Half", "SELECT status, partial FROM llm_jobs ORDER BY id");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      engine_test(finished_call_is_written_however_long_the_app_holds_the_lock),
      engine_test(stop_writes_an_answer_that_was_paid_for),
      engine_test(trigger_of_the_app_sees_every_change),
      engine_test(end_that_a_trigger_refuses_waits_and_holds_up_no_other),
      engine_test(claim_that_a_trigger_refuses_holds_up_no_other),
      engine_test(partial_text_that_a_trigger_refuses_holds_up_no_other),
  };
  lj_memory_init();
  return cmocka_run_group_tests_name("engine: the app writes", tests, NULL, NULL);
}
