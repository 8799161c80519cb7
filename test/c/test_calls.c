/* SPDX-License-Identifier: MIT
 *
 * What a worker reads of the calls of others, and how a running job is moved to another lane.
 */
#include "queue/calls.h"
#include "support/queue_fixture.h"

#define US "us@h:1:a"
#define THEM "them@h:2:b"

typedef struct ears {
  char text[8192];
  size_t used;
  int stop_at; /* the callback fails at this row; 0: never */
  int rows;
} ears;

static void hear(ears *to, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  if (to->used > 0) to->text[to->used++] = ' ';
  to->used += (size_t)vsnprintf(to->text + to->used, sizeof to->text - to->used, format, arguments);
  va_end(arguments);
  assert_true(to->used < sizeof to->text - 1);
}

static void on_other(void *listener, const char *lane, int64_t processed_on) { hear(listener, "%s@%lld", lane, (long long)processed_on); }

static int on_changed(void *listener, const lj_changed_row *row) {
  ears *to = listener;
  if (++to->rows == to->stop_at) return LJ_NOMEM;
  hear(to, "%lld%s%s:%s:%lld:%lld", (long long)row->seq, row->active ? "a" : "", row->ours ? "o" : "", row->lane, (long long)row->bytes,
       (long long)row->max_tokens);
  return LJ_OK;
}

static void running_jobs_of_others_are_told_and_no_other(void **state) {
  queue_fixture *queue = *state;
  ears heard = {.used = 0};
  app_run(queue, "INSERT INTO llm_jobs (name, data, status, lease_owner, lane, processed_on, lease_until) VALUES "
                 "('n', '{}', 'active', '" THEM "', 'p/x', 5, 9), ('n', '{}', 'active', '" US "', 'p/x', 6, 9), ('n', '{}', 'active', '" THEM "', NULL, 7, 9), "
                 "('n', '{}', 'waiting', NULL, 'p/x', 8, NULL), ('n', '{}', 'completed', NULL, 'p/x', 9, NULL), ('n', '{}', 'active', '" THEM "', 'o/y', 10, 9)");
  assert_code(lj_calls_others(queue->store, US, on_other, &heard), LJ_OK);
  assert_string_equal(heard.text, "p/x@5 o/y@10");
}

static void changes_are_told_once_in_order_also_those_that_share_a_revision(void **state) {
  queue_fixture *queue = *state;
  lj_calls_place place = {.revision = 10, .seq = 5};
  size_t count = 99;
  app_run(queue, "INSERT INTO llm_jobs (name, data, status, lease_owner, lane, revision) VALUES ('n', '{\"maxTokens\":7}', 'active', '" US "', 'a', 12), "
                 "('n', '{}', 'active', '" THEM "', 'b', 11), ('n', '{}', 'waiting', NULL, 'c', 12), ('n', '{}', 'waiting', NULL, 'd', 12), "
                 "('n', '{}', 'waiting', NULL, 'old', 10), ('n', '{}', 'waiting', NULL, 'never', 0), ('n', '{}', 'waiting', NULL, NULL, 13), "
                 "('n', '{}', 'completed', NULL, 'e', 14)");
  ears heard = {.used = 0};
  for (int i = 0; i < 5; i++) {
    assert_code(lj_calls_changed(queue->store, US, false, 2, &place, &count, on_changed, &heard), LJ_OK);
    assert_int_equal(count, i < 3 ? 2 : 0);
  }
  assert_string_equal(heard.text, "2a:b:0:-1 1ao:a:0:-1 3:c:0:-1 4:d:0:-1 8:e:0:-1");
  int64_t newest = 0;
  assert_code(lj_calls_newest(queue->store, &newest), LJ_OK);
  assert_int_equal(newest, 14);
}

static void change_that_could_not_be_taken_in_is_told_again(void **state) {
  queue_fixture *queue = *state;
  lj_calls_place place = {.revision = 0};
  size_t count = 0;
  ears heard = {.stop_at = 2};
  app_run(queue, "INSERT INTO llm_jobs (name, data, lane, revision) VALUES ('n', '{}', 'a', 1), ('n', '{}', 'b', 2), ('n', '{}', 'c', 3)");
  assert_code(lj_calls_changed(queue->store, US, false, 10, &place, &count, on_changed, &heard), LJ_NOMEM);
  assert_code(lj_calls_changed(queue->store, US, false, 10, &place, &count, on_changed, &heard), LJ_OK);
  assert_string_equal(heard.text, "1:a:0:-1 2:b:0:-1 3:c:0:-1");
}

static void data_is_weighed_in_bytes_and_with_what_it_says_of_tokens(void **state) {
  static const struct {
    const char *data;
    int64_t bytes;
    int64_t max_tokens;
  } cases[] = {
      {"{}", 2, -1},
      {"{\"maxTokens\":500}", 17, 500},
      {"{\"maxTokens\":\"500\"}", 19, -1},
      {"{\"maxTokens\":null}", 18, -1},
      {"{\"prompt\":\"\xC3\xA4\"}", 15, -1},
      {"[1]", 3, -1},
  };
  queue_fixture *queue = *state;
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    int64_t bytes = 0;
    int64_t max_tokens = 0;
    app_run(queue, "DELETE FROM llm_jobs");
    app_run(queue, "INSERT INTO llm_jobs (seq, name, data, lane, revision) VALUES (1, 'n', %Q, 'p/x', 5)", cases[i].data);
    assert_code(lj_calls_weigh(queue->store, 1, &bytes, &max_tokens), LJ_OK);
    assert_int_equal(bytes, cases[i].bytes);
    assert_int_equal(max_tokens, cases[i].max_tokens);
    ears heard = {.used = 0};
    lj_calls_place place = {.revision = 0};
    size_t count = 0;
    char expected[64];
    (void)snprintf(expected, sizeof expected, "1:p/x:%lld:%lld", (long long)bytes, (long long)max_tokens);
    assert_code(lj_calls_changed(queue->store, US, true, 10, &place, &count, on_changed, &heard), LJ_OK);
    assert_string_equal(heard.text, expected);
  }
  int64_t none = 5;
  assert_code(lj_calls_weigh(queue->store, 77, &none, &none), LJ_OK);
  assert_int_equal(none, -1);
}

static void data_that_is_no_json_stops_nobody(void **state) {
  queue_fixture *queue = *state;
  lj_calls_place place = {.revision = 0};
  size_t count = 0;
  ears heard = {.used = 0};
  int64_t bytes = 0;
  int64_t max_tokens = 0;
  app_run(queue, "PRAGMA ignore_check_constraints = ON");
  app_run(queue, "INSERT INTO llm_jobs (name, data, lane, revision) VALUES ('n', '{spoilt', 'p/x', 1), ('n', '{}', 'p/y', 2)");
  assert_code(lj_calls_changed(queue->store, US, true, 10, &place, &count, on_changed, &heard), LJ_OK);
  assert_string_equal(heard.text, "1:p/x:7:-1 2:p/y:2:-1");
  assert_code(lj_calls_weigh(queue->store, 1, &bytes, &max_tokens), LJ_OK);
  assert_int_equal(max_tokens, -1);
}

static void moved_job_is_told_as_a_call_of_its_new_lane(void **state) {
  queue_fixture *queue = *state;
  bool stale = true;
  int64_t before = 0;
  app_run(queue, "INSERT INTO llm_jobs (name, data, status, lease_owner, lease_token, lane, processed_on, history, attempts, revision) "
                 "VALUES ('n', '{}', 'active', '" US "', 'token', 'p/x', 5, NULL, 1, 3)");
  assert_code(lj_calls_newest(queue->store, &before), LJ_OK);
  assert_code(lj_store_begin(queue->store, false), LJ_OK);
  assert_code(lj_calls_move(queue->store, 1, "another", "o/y", "[1]", 77, &stale), LJ_OK);
  assert_true(stale);
  assert_code(lj_calls_move(queue->store, 1, "token", "o/y", "[1]", 77, &stale), LJ_OK);
  assert_false(stale);
  assert_code(lj_store_commit(queue->store), LJ_OK);
  assert_rows(queue, "active|o/y|77|[1]|1|token", "SELECT status, lane, processed_on, history, attempts, lease_token FROM llm_jobs");
  int64_t after = 0;
  assert_code(lj_calls_newest(queue->store, &after), LJ_OK);
  assert_true(after > before);
  assert_true(queue->store->own_revision == after);
}

static void last_change_is_a_workers_when_its_row_runs_or_has_completed(void **state) {
  static const struct {
    const char *change;
    bool by_worker;
  } cases[] = {{"status = 'active'", true},
               {"status = 'active', cancel_requested = 1", false},
               {"status = 'completed', cancel_requested = 1", true},
               {"status = 'cancelled'", false},
               {"status = 'waiting'", false}};
  queue_fixture *queue = *state;
  int64_t revision = 99;
  bool by_worker = true;
  assert_code(lj_calls_last(queue->store, &revision, &by_worker), LJ_OK);
  assert_int_equal(revision, 0);
  assert_false(by_worker);
  app_run(queue, "INSERT INTO llm_jobs (name, data, status, revision) VALUES ('n', '{}', 'completed', 4), ('n', '{}', 'active', 5), ('n', '{}', 'completed', 0)");
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    app_run(queue, "UPDATE llm_jobs SET status = 'waiting', cancel_requested = 0 WHERE revision = 5");
    app_run(queue, "UPDATE llm_jobs SET %s WHERE revision = 5", cases[i].change);
    assert_code(lj_calls_last(queue->store, &revision, &by_worker), LJ_OK);
    assert_int_equal(revision, 5);
    assert_int_equal(by_worker, cases[i].by_worker);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      queue_test(running_jobs_of_others_are_told_and_no_other),
      queue_test(changes_are_told_once_in_order_also_those_that_share_a_revision),
      queue_test(change_that_could_not_be_taken_in_is_told_again),
      queue_test(data_is_weighed_in_bytes_and_with_what_it_says_of_tokens),
      queue_test(data_that_is_no_json_stops_nobody),
      queue_test(moved_job_is_told_as_a_call_of_its_new_lane),
      queue_test(last_change_is_a_workers_when_its_row_runs_or_has_completed),
  };
  lj_memory_init();
  return cmocka_run_group_tests_name("calls of others", tests, NULL, NULL);
}
