/* SPDX-License-Identifier: MIT
 *
 * Leases: who may take back a job, when, and how often.
 */
#include <sys/wait.h>
#include <unistd.h>

#include "base/process.h"
#include "queue/recovery.h"
#include "support/queue_fixture.h"

typedef struct told {
  char log[1024];
} told;

static void on_recovered(void *listener, const char *id, const char *name, lj_status status, int64_t attempts) {
  told *list = listener;
  size_t used = strlen(list->log);
  (void)snprintf(list->log + used, sizeof list->log - used, "%s%s/%s/%s/%lld", used > 0 ? " " : "", id, name, lj_status_name(status),
                 (long long)attempts);
}

enum { NOW = 5000 };

static lj_recovery by(const char *owner, told *list) {
  list->log[0] = '\0';
  return (lj_recovery){.owner = owner, .now = NOW, .max_stalls = 1, .on_recovered = on_recovered, .listener = list};
}

typedef int (*recover_function)(lj_store *, const lj_recovery *);

static void run(queue_fixture *queue, recover_function recover, const lj_recovery *recovery) {
  assert_code(lj_store_begin(queue->store, false), LJ_OK);
  assert_code(recover(queue->store, recovery), LJ_OK);
  assert_code(lj_store_commit(queue->store), LJ_OK);
}

static void add_held(queue_fixture *queue, const char *id, const char *owner, int lease_until) {
  app_run(queue,
          "INSERT INTO llm_jobs (id, name, data, status, progress, partial, attempts, error, lease_owner, lease_token, lease_until) "
          "VALUES (%Q, 'n', '{}', 'active', 30, 'half', 2, 'old', %Q, 'token-of-' || %Q, %d)",
          id, owner, id, lease_until);
}

/* `worker_id`'s owner text as a process with that id on this machine would have made it. */
static void owner_of(const char *worker_id, long long pid, const char *start, char out[LJ_OWNER_SIZE]) {
  char host[128];
  lj_host_name(host, sizeof host);
  (void)snprintf(out, LJ_OWNER_SIZE, "%s@%s:%lld:%s", worker_id, host, pid, start);
}

static pid_t dead_process(void) {
  int status = 0;
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) _exit(0);
  assert_int_equal(waitpid(child, &status, 0), child);
  return child;
}

static void owner_text_names_worker_host_process_and_start(void **state) {
  char first[LJ_OWNER_SIZE];
  char second[LJ_OWNER_SIZE];
  char expected[LJ_OWNER_SIZE];
  (void)state;
  assert_code(lj_owner_make("llm-worker-1", first), LJ_OK);
  assert_code(lj_owner_make("llm-worker-1", second), LJ_OK);
  owner_of("llm-worker-1", (long long)getpid(), "", expected);
  assert_memory_equal(first, expected, strlen(expected));
  assert_int_equal(strlen(first), strlen(expected) + 8);
  assert_string_not_equal(first, second);
}

static void dead_predecessor_gives_its_jobs_back_at_once(void **state) {
  queue_fixture *queue = *state;
  char ours[LJ_OWNER_SIZE];
  char theirs[LJ_OWNER_SIZE];
  told list;
  assert_code(lj_owner_make("w", ours), LJ_OK);
  owner_of("w", dead_process(), "00000000", theirs);
  add_held(queue, "a", theirs, NOW + 99999);
  lj_recovery recovery = by(ours, &list);
  run(queue, lj_recover_predecessors, &recovery);
  assert_string_equal(list.log, "a/n/waiting/1");
  assert_rows(queue, "waiting|0|-|1|1|old|-|-|-|-",
              "SELECT status, progress, partial, attempts, stalls, error, lease_owner, lease_token, lease_until, finished_on FROM llm_jobs");
}

static void stopped_engine_of_this_process_is_a_predecessor(void **state) {
  queue_fixture *queue = *state;
  char ours[LJ_OWNER_SIZE];
  char before[LJ_OWNER_SIZE];
  told list;
  assert_code(lj_owner_make("w", ours), LJ_OK);
  assert_code(lj_owner_make("w", before), LJ_OK);
  add_held(queue, "earlier", before, NOW + 99999);
  add_held(queue, "own", ours, NOW + 99999);
  lj_recovery recovery = by(ours, &list);
  run(queue, lj_recover_predecessors, &recovery);
  assert_string_equal(list.log, "earlier/n/waiting/1");
  assert_rows(queue, "active", "SELECT status FROM llm_jobs WHERE id = 'own'");
}

static void nobody_else_is_a_predecessor(void **state) {
  queue_fixture *queue = *state;
  char ours[LJ_OWNER_SIZE];
  char theirs[LJ_OWNER_SIZE];
  told list;
  long long dead = (long long)dead_process();
  assert_code(lj_owner_make("w", ours), LJ_OK);
  owner_of("w", (long long)getppid(), "00000000", theirs); /* lives */
  add_held(queue, "live", theirs, NOW + 99999);
  owner_of("other", dead, "00000000", theirs);
  add_held(queue, "other-worker", theirs, NOW + 99999);
  owner_of("ww", dead, "00000000", theirs);
  add_held(queue, "longer-name", theirs, NOW + 99999);
  (void)snprintf(theirs, sizeof theirs, "w@elsewhere.invalid:%lld:00000000", dead);
  add_held(queue, "other-host", theirs, NOW + 99999);
  add_held(queue, "foreign", "somebody", NOW + 99999);
  add_held(queue, "empty", "", NOW + 99999);
  owner_of("w", 0, "00000000", theirs);
  add_held(queue, "zero", theirs, NOW + 99999);
  owner_of("w", -1, "00000000", theirs);
  add_held(queue, "negative", theirs, NOW + 99999);
  app_run(queue, "INSERT INTO llm_jobs (id, name, data, status) VALUES ('nobody', 'n', '{}', 'active')");
  lj_recovery recovery = by(ours, &list);
  run(queue, lj_recover_predecessors, &recovery);
  assert_string_equal(list.log, "");
  assert_int_equal(app_number(queue, "SELECT count(*) FROM llm_jobs WHERE status = 'active'"), 9);
}

static void many_predecessors_come_back_together(void **state) {
  queue_fixture *queue = *state;
  char ours[LJ_OWNER_SIZE];
  char theirs[LJ_OWNER_SIZE];
  told list;
  long long dead = (long long)dead_process();
  assert_code(lj_owner_make("w", ours), LJ_OK);
  for (int i = 0; i < 20; i++) {
    char start[9];
    char id[16];
    (void)snprintf(start, sizeof start, "%08x", (unsigned)i);
    (void)snprintf(id, sizeof id, "j%d", i);
    owner_of("w", dead, start, theirs);
    add_held(queue, id, theirs, NOW + 99999);
  }
  lj_recovery recovery = by(ours, &list);
  run(queue, lj_recover_predecessors, &recovery);
  assert_int_equal(app_number(queue, "SELECT count(*) FROM llm_jobs WHERE status = 'waiting' AND stalls = 1"), 20);
}

static void expired_leases_come_back_whoever_held_them(void **state) {
  queue_fixture *queue = *state;
  told list;
  bool needed = true;
  add_held(queue, "later", "x@y:1:a", NOW);
  assert_code(lj_recovery_needed(queue->store, NOW, &needed), LJ_OK);
  assert_false(needed);
  add_held(queue, "gone", "x@y:1:a", NOW - 1);
  app_run(queue, "INSERT INTO llm_jobs (id, name, data, status, attempts) VALUES ('unleased', 'n', '{}', 'active', 0)");
  assert_code(lj_recovery_needed(queue->store, NOW, &needed), LJ_OK);
  assert_true(needed);
  lj_recovery recovery = by("w@h:1:a", &list);
  run(queue, lj_recover_expired, &recovery);
  assert_rows(queue, "later|active|2|0 gone|waiting|1|1 unleased|waiting|0|1", "SELECT id, status, attempts, stalls FROM llm_jobs ORDER BY seq");
  assert_code(lj_recovery_needed(queue->store, NOW, &needed), LJ_OK);
  assert_false(needed);
}

static void job_that_stalls_too_often_fails_and_says_so(void **state) {
  queue_fixture *queue = *state;
  told list;
  lj_recovery recovery = by("w@h:1:a", &list);
  recovery.max_stalls = 2;
  add_held(queue, "a", "x@y:1:a", NOW - 1);
  for (int stall = 1; stall <= 3; stall++) {
    list.log[0] = '\0';
    run(queue, lj_recover_expired, &recovery);
    assert_string_equal(list.log, stall < 3 ? "a/n/waiting/1" : "a/n/failed/1");
    assert_int_equal(app_number(queue, "SELECT stalls FROM llm_jobs"), stall);
    if (stall < 3) app_run(queue, "UPDATE llm_jobs SET status = 'active', attempts = 2, lease_until = 1");
  }
  assert_rows(queue, "failed|STALLED|5000|-|-",
              "SELECT status, json_extract(error, '$.code'), finished_on, lease_token, partial FROM llm_jobs");
  assert_true(app_number(queue, "SELECT length(json_extract(error, '$.message')) FROM llm_jobs") > 20);
}

static void no_stall_is_allowed_when_the_limit_is_zero(void **state) {
  queue_fixture *queue = *state;
  told list;
  lj_recovery recovery = by("w@h:1:a", &list);
  recovery.max_stalls = 0;
  add_held(queue, "a", "x@y:1:a", NOW - 1);
  run(queue, lj_recover_expired, &recovery);
  assert_rows(queue, "failed", "SELECT status FROM llm_jobs");
}

static void only_active_rows_are_recovered(void **state) {
  queue_fixture *queue = *state;
  told list;
  lj_recovery recovery = by("w@h:1:a", &list);
  app_run(queue,
          "INSERT INTO llm_jobs (name, data, status, lease_until) VALUES ('n', '{}', 'completed', 1), ('n', '{}', 'failed', 1), "
          "('n', '{}', 'cancelled', 1), ('n', '{}', 'delayed', 1), ('n', '{}', 'waiting-children', 1)");
  run(queue, lj_recover_expired, &recovery);
  assert_string_equal(list.log, "");
  assert_rows(queue, "0", "SELECT sum(stalls) FROM llm_jobs");
}

typedef struct held_list {
  char log[256];
} held_list;

static void on_held(void *listener, int64_t seq, const char *token) {
  held_list *list = listener;
  size_t used = strlen(list->log);
  (void)snprintf(list->log + used, sizeof list->log - used, "%lld=%s ", (long long)seq, token);
}

static void renewal_moves_our_leases_and_counts_them(void **state) {
  queue_fixture *queue = *state;
  size_t held = 99;
  add_held(queue, "a", "w@h:1:a", 100);
  add_held(queue, "b", "w@h:1:b", 100);
  add_held(queue, "c", "w@h:1:a", 200);
  app_run(queue, "INSERT INTO llm_jobs (id, name, data, status, lease_owner, lease_until) VALUES ('d', 'n', '{}', 'completed', 'w@h:1:a', 1)");
  assert_code(lj_store_begin(queue->store, false), LJ_OK);
  assert_code(lj_renew(queue->store, "w@h:1:a", 4000, &held), LJ_OK);
  assert_code(lj_store_commit(queue->store), LJ_OK);
  assert_int_equal(held, 2);
  assert_rows(queue, "a|4000 b|100 c|4000 d|1", "SELECT id, lease_until FROM llm_jobs ORDER BY seq");
  assert_code(lj_renew(queue->store, "nobody", 4000, &held), LJ_OK);
  assert_int_equal(held, 0);
}

static void held_rows_are_listed_with_their_tokens(void **state) {
  queue_fixture *queue = *state;
  held_list list = {""};
  add_held(queue, "a", "w@h:1:a", 100);
  add_held(queue, "b", "w@h:1:b", 100);
  add_held(queue, "c", "w@h:1:a", 200);
  app_run(queue, "UPDATE llm_jobs SET lease_token = NULL WHERE id = 'c'");
  assert_code(lj_list_held(queue->store, "w@h:1:a", on_held, &list), LJ_OK);
  assert_true(strcmp(list.log, "1=token-of-a 3= ") == 0 || strcmp(list.log, "3= 1=token-of-a ") == 0);
}

static void recovery_survives_every_failed_allocation(void **state) {
  queue_fixture *queue = *state;
  char ours[LJ_OWNER_SIZE];
  char theirs[LJ_OWNER_SIZE];
  told list;
  long nth = 0;
  int code = LJ_NOMEM;
  assert_code(lj_owner_make("w", ours), LJ_OK);
  owner_of("w", dead_process(), "00000000", theirs);
  add_held(queue, "a", theirs, NOW + 99999);
  lj_recovery recovery = by(ours, &list);
  while (code != LJ_OK) {
    assert_true(++nth < 100);
    long live = lj_memory_live();
    assert_code(lj_store_begin(queue->store, false), LJ_OK);
    lj_memory_fail_at(nth, 0);
    code = lj_recover_predecessors(queue->store, &recovery);
    lj_memory_fail_at(0, 0);
    assert_int_equal(lj_memory_live(), live);
    if (code == LJ_OK) {
      assert_code(lj_store_commit(queue->store), LJ_OK);
    } else {
      assert_code(code, LJ_NOMEM);
      lj_store_rollback(queue->store);
    }
  }
  assert_true(nth > 1);
  assert_rows(queue, "waiting|1", "SELECT status, stalls FROM llm_jobs");
}

static void row_that_refuses_does_not_hold_back_the_others(void **state) {
  queue_fixture *queue = *state;
  told list;
  lj_recovery recovery = by("w@h:1:aa", &list);
  for (int i = 0; i < 450; i++) {
    char id[16];
    (void)snprintf(id, sizeof id, "j%03d", i);
    add_held(queue, id, "x@h:1:bb", 1);
  }
  app_run(queue, "UPDATE llm_jobs SET stalls = 1 WHERE id = 'j449'; "
                 "CREATE TRIGGER guard BEFORE UPDATE ON llm_jobs WHEN old.id IN ('j000', 'j300') BEGIN SELECT raise(ABORT, 'no'); END");
  run(queue, lj_recover_expired, &recovery);
  assert_rows(queue, "active|2 failed|1 waiting|447", "SELECT status, count(*) FROM llm_jobs GROUP BY status");
  assert_rows(queue, "j000 j300", "SELECT id FROM llm_jobs WHERE status = 'active'");
  assert_string_equal(app_text(queue, "SELECT count(DISTINCT revision) > 400 FROM llm_jobs"), "1");
  app_run(queue, "DROP TRIGGER guard");
  recovery = by("w@h:1:aa", &list);
  run(queue, lj_recover_expired, &recovery);
  assert_string_equal(list.log, "j000/n/waiting/1 j300/n/waiting/1");
}

static void predecessors_row_that_refuses_does_not_hold_back_the_others(void **state) {
  queue_fixture *queue = *state;
  told list;
  char ours[LJ_OWNER_SIZE];
  char theirs[LJ_OWNER_SIZE];
  owner_of("w", (long long)lj_process_id(), "aaaaaaaa", ours);
  owner_of("w", (long long)dead_process(), "bbbbbbbb", theirs);
  lj_recovery recovery = by(ours, &list);
  add_held(queue, "a", theirs, NOW + 1000);
  add_held(queue, "b", theirs, NOW + 1000);
  app_run(queue, "CREATE TRIGGER guard BEFORE UPDATE ON llm_jobs WHEN old.id = 'a' BEGIN SELECT raise(FAIL, 'no'); END");
  run(queue, lj_recover_predecessors, &recovery);
  assert_rows(queue, "a|active b|waiting", "SELECT id, status FROM llm_jobs ORDER BY id");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(owner_text_names_worker_host_process_and_start),
      queue_test(dead_predecessor_gives_its_jobs_back_at_once),
      queue_test(stopped_engine_of_this_process_is_a_predecessor),
      queue_test(nobody_else_is_a_predecessor),
      queue_test(many_predecessors_come_back_together),
      queue_test(expired_leases_come_back_whoever_held_them),
      queue_test(job_that_stalls_too_often_fails_and_says_so),
      queue_test(no_stall_is_allowed_when_the_limit_is_zero),
      queue_test(only_active_rows_are_recovered),
      queue_test(renewal_moves_our_leases_and_counts_them),
      queue_test(held_rows_are_listed_with_their_tokens),
      queue_test(recovery_survives_every_failed_allocation),
      queue_test(row_that_refuses_does_not_hold_back_the_others),
      queue_test(predecessors_row_that_refuses_does_not_hold_back_the_others),
  };
  return cmocka_run_group_tests_name("recovery", tests, NULL, NULL);
}
