/* SPDX-License-Identifier: MIT
 *
 * Leases: what a stop gives back, what a lost lease is worth, and what is taken over from other workers.
 */
#include <sys/wait.h>
#include <unistd.h>

#include "base/process.h"
#include "support/engine_fixture.h"

static void stop_gives_the_attempts_back(void **state) {
  engine_fixture *fixture = *state;
  loopback_script(fixture->server, (loopback_reply){.bytes = "HTTP/1.1 200 OK\r\n\r\n" SSE_TEXT("Half"), .then = LOOPBACK_SILENT});
  for (int i = 0; i < 5; i++) add_job(fixture, (char[]){(char)('a' + i), '\0'}, "p/x", HELLO);
  app_run(&fixture->queue, "UPDATE llm_jobs SET error = 'old', history = '[7]'");
  engine_start(fixture, "", "");
  assert_true(loopback_wait_requests(fixture->server, 5));
  engine_stop(fixture);
  assert_rows(&fixture->queue, "waiting|0|0|old|[7]|" NO_LEASE "|5",
              "SELECT DISTINCT status, attempts, stalls, error, history, lease_owner, lease_token, lease_until, (SELECT count(*) FROM llm_jobs) FROM llm_jobs");
  assert_true(loopback_wait_open(fixture->server, 0));
}

static void answer_of_a_lost_lease_is_dropped(void **state) {
  engine_fixture *fixture = *state;
  loopback_script(fixture->server, (loopback_reply){.bytes = sse_reply(fixture), .gate = 30});
  add_job(fixture, "a", "p/x", HELLO);
  engine_start(fixture, "", "");
  assert_true(loopback_wait_requests(fixture->server, 1));
  app_run(&fixture->queue, "UPDATE llm_jobs SET lease_token = 'somebody-else', lease_owner = 'other@h:1:a'");
  loopback_open_gate(fixture->server);
  while (stat_of(fixture, "stale") == 0) event_log_collect(&fixture->events);
  assert_rows(&fixture->queue, "active|1|-|-|other@h:1:a|somebody-else", "SELECT status, attempts, result, history, lease_owner, lease_token FROM llm_jobs");
  assert_int_equal(stat_of(fixture, "completed"), 0);
  assert_int_equal(stat_of(fixture, "stale"), 1);
  assert_string_equal(job_events(fixture, "a"), "active/1");
}

static void call_of_a_lost_lease_is_aborted_at_the_next_renewal(void **state) {
  engine_fixture *fixture = *state;
  loopback_script(fixture->server, (loopback_reply){.bytes = NULL, .then = LOOPBACK_SILENT});
  add_job(fixture, "a", "p/x", HELLO);
  add_job(fixture, "b", "p/x", HELLO);
  engine_start(fixture, ",\"leaseMs\":1000", "");
  assert_true(loopback_wait_requests(fixture->server, 2));
  int64_t until = app_number(&fixture->queue, "SELECT lease_until FROM llm_jobs WHERE id = 'b'");
  app_run(&fixture->queue, "UPDATE llm_jobs SET status = 'cancelled', lease_token = NULL WHERE id = 'a'");
  assert_true(loopback_wait_open(fixture->server, 1)); /* b goes on, with a longer lease */
  assert_true(app_number(&fixture->queue, "SELECT lease_until FROM llm_jobs WHERE id = 'b'") > until);
  assert_int_equal(stat_of(fixture, "stale"), 1);
  assert_int_equal(stat_of(fixture, "active"), 1);
  assert_rows(&fixture->queue, "cancelled", "SELECT status FROM llm_jobs WHERE id = 'a'");
}

static void jobs_of_a_dead_predecessor_run_at_once(void **state) {
  engine_fixture *fixture = *state;
  char host[128];
  int status = 0;
  pid_t child = fork();
  if (child == 0) _exit(0);
  assert_int_equal(waitpid(child, &status, 0), child);
  lj_host_name(host, sizeof host);
  script(fixture, sse_reply(fixture));
  add_job(fixture, "a", "p/x", HELLO);
  add_job(fixture, "b", "p/x", HELLO);
  app_run(&fixture->queue, "UPDATE llm_jobs SET status = 'active', attempts = 1, lease_token = 't', lease_until = 9999999999999, lease_owner = 'w@%s:%d:00000000'",
          host, (int)child);
  app_run(&fixture->queue, "UPDATE llm_jobs SET stalls = 1 WHERE id = 'b'");
  engine_start(fixture, "", "");
  assert_int_equal(lj_json_int(wait_event(&fixture->events, "worker:ready"), "recovered", -1), 2);
  wait_job(fixture, "a", "completed");
  assert_rows(&fixture->queue, "completed|1|1|100|" NO_LEASE, JOB_ROW, "a");
  assert_string_equal(job_events(fixture, "b"), "failed/0:STALLED");
  assert_rows(&fixture->queue, "failed|0|STALLED|-|-", JOB_FAILURE, "b");
}

static void expired_lease_of_another_worker_is_taken_over(void **state) {
  engine_fixture *fixture = *state;
  script(fixture, sse_reply(fixture));
  add_job(fixture, "a", "p/x", HELLO);
  app_run(&fixture->queue, "UPDATE llm_jobs SET status = 'active', attempts = 1, lease_token = 't', lease_owner = 'other@h:1:a', lease_until = "
                           "CAST(strftime('%%s', 'now') AS INTEGER) * 1000 + 1500");
  engine_start(fixture, ",\"leaseMs\":1000", "");
  assert_int_equal(lj_json_int(wait_event(&fixture->events, "worker:ready"), "recovered", -1), 0);
  wait_job(fixture, "a", "completed");
  assert_rows(&fixture->queue, "completed|1|1|100|" NO_LEASE, JOB_ROW, "a");
}

static void two_engines_share_one_file(void **state) {
  enum { JOBS = 60 };
  engine_fixture *fixture = *state;
  event_log other;
  script(fixture, sse_reply(fixture));
  event_log_open(&other);
  event_log_start(&other, engine_config(fixture, "second", "", ""));
  engine_start(fixture, "", "");
  (void)wait_event(&other, "worker:ready");
  app_run(&fixture->queue, "CREATE TABLE ends (id TEXT); CREATE TRIGGER count_ends AFTER UPDATE OF status ON llm_jobs WHEN new.status = 'completed' "
                           "BEGIN INSERT INTO ends VALUES (new.id); END");
  for (int i = 0; i < JOBS; i++) app_run(&fixture->queue, "INSERT INTO llm_jobs (name, model, data) VALUES ('n', 'p/x', '{\"prompt\":\"x\"}')");
  for (int i = 0; app_number(&fixture->queue, "SELECT count(*) FROM llm_jobs WHERE status = 'completed'") < JOBS; i++) {
    assert_true(i < 20000);
    (void)usleep(1000);
  }
  assert_rows(&fixture->queue, "60|60", "SELECT count(*), count(DISTINCT id) FROM ends");
  int64_t second = lj_json_int(payload_of(ask_log(&other, "s", "worker:stats", NULL)), "completed", -1);
  assert_int_equal(stat_of(fixture, "completed") + second, JOBS);
  assert_int_equal(loopback_requests(fixture->server), JOBS);
  event_log_close(&other);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      engine_test(stop_gives_the_attempts_back),
      engine_test(answer_of_a_lost_lease_is_dropped),
      engine_test(call_of_a_lost_lease_is_aborted_at_the_next_renewal),
      engine_test(jobs_of_a_dead_predecessor_run_at_once),
      engine_test(expired_lease_of_another_worker_is_taken_over),
      engine_test(two_engines_share_one_file),
  };
  lj_memory_init();
  return cmocka_run_group_tests_name("engine: leases", tests, NULL, NULL);
}
