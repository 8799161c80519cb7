/* SPDX-License-Identifier: MIT
 *
 * What the table says of jobs that are handed to a provider many at a time.
 */
#include "queue/batches.h"
#include "support/queue_fixture.h"

#define MARK "0123456789abcdef0123456789abcdef"
#define WHERE "SELECT status, batch, remote FROM llm_jobs ORDER BY seq"

enum { NOW = 1800000000 };
#define NOW_MS (INT64_C(1000) * NOW)

static void commit(queue_fixture *queue, int code) {
  assert_code(code, LJ_OK);
  assert_code(lj_store_commit(queue->store), LJ_OK);
}

static void start(queue_fixture *queue) { assert_code(lj_store_begin(queue->store, true), LJ_OK); }

static void add_gathered(queue_fixture *queue, int count) {
  for (int i = 0; i < count; i++) app_run(queue, "INSERT INTO llm_jobs (id, name, data, priority) VALUES ('%d', 'n', '{\"n\":%d}', %d)", i + 1, i, i % 2);
  start(queue);
  for (int i = 0; i < count; i++) assert_code(lj_batches_gather(queue->store, i + 1, "+p/m", NOW_MS), LJ_OK);
  commit(queue, LJ_OK);
}

static void seal(queue_fixture *queue, size_t most, size_t bytes, size_t expected) {
  int64_t rows[LJ_MAX_BATCH_JOBS];
  size_t count = 0;
  start(queue);
  assert_code(lj_batches_pick(queue->store, "+p/m", most, bytes, rows, &count), LJ_OK);
  assert_int_equal(count, expected);
  commit(queue, lj_batches_seal(queue->store, rows, count, MARK, "{\"a\":1}"));
}

static void on_batch(void *listener, const char *batch, size_t jobs, int64_t gathered_at, const char *remote) {
  assert_code(lj_buffer_printf(listener, "%s %zu %lld %s;", batch, jobs, (long long)gathered_at, remote != NULL ? remote : "-"), LJ_OK);
}

static void gathered_jobs_wait_under_their_lane_until_they_are_lost(void **state) {
  queue_fixture *queue = *state;
  lj_buffer said;
  lj_buffer_init(&said, 1000);
  add_gathered(queue, 2);
  assert_rows(queue, "delayed|+p/m|- delayed|+p/m|-", WHERE);
  assert_int_equal(app_number(queue, "SELECT min(run_at) FROM llm_jobs"), NOW_MS + LJ_BATCHES_LOST_MS);
  assert_code(lj_batches_list(queue->store, on_batch, &said), LJ_OK);
  assert_string_equal(said.data, "+p/m 2 1800000000000 -;");
  lj_buffer_free(&said);
}

static void a_batch_takes_the_first_by_priority_within_its_size(void **state) {
  queue_fixture *queue = *state;
  add_gathered(queue, 4);
  app_run(queue, "UPDATE llm_jobs SET cancel_requested = 1 WHERE seq = 2");
  seal(queue, 2, 1000, 2);
  assert_rows(queue, "1 4", "SELECT seq FROM llm_jobs WHERE batch = '" MARK "' ORDER BY seq");
}

static void one_job_is_a_batch_however_large_it_is(void **state) {
  queue_fixture *queue = *state;
  add_gathered(queue, 3);
  seal(queue, 10, 1, 1);
}

static void of_two_workers_one_goes_on(void **state) {
  queue_fixture *queue = *state;
  bool changed = false;
  add_gathered(queue, 2);
  seal(queue, 10, 1000, 2);
  start(queue);
  commit(queue, lj_batches_note(queue->store, MARK, "{\"a\":1}", "{\"a\":2}", &changed));
  assert_true(changed);
  start(queue);
  commit(queue, lj_batches_note(queue->store, MARK, "{\"a\":1}", "{\"a\":3}", &changed));
  assert_false(changed);
  assert_rows(queue, "delayed|" MARK "|{\"a\":2} delayed|" MARK "|{\"a\":2}", WHERE);
}

static int take_over(void *listener, lj_job *job) {
  lj_job *kept = listener;
  lj_job_free(kept);
  *kept = *job;
  memset(job, 0, sizeof *job);
  return LJ_OK;
}

static bool take(queue_fixture *queue, const lj_job *job) {
  bool taken = false;
  start(queue);
  commit(queue, lj_batches_take(queue->store, job, MARK, "w@h:1:a", NOW_MS + 5, NOW_MS, &taken));
  return taken;
}

static void a_job_is_taken_once_and_by_the_same_token_again(void **state) {
  queue_fixture *queue = *state;
  lj_job job = {0};
  add_gathered(queue, 1);
  seal(queue, 10, 1000, 1);
  assert_code(lj_batches_jobs(queue->store, MARK, 1, take_over, &job), LJ_OK);
  assert_string_equal(job.data, "{\"n\":0}");
  assert_int_equal(job.attempts, 1);
  memcpy(job.token, "one", 4);
  assert_true(take(queue, &job));
  assert_true(take(queue, &job));
  assert_rows(queue, "active|1||one|w@h:1:a", "SELECT status, attempts, batch, lease_token, lease_owner FROM llm_jobs");
  memcpy(job.token, "two", 4);
  assert_false(take(queue, &job));
  lj_job_free(&job);
  assert_code(lj_batches_jobs(queue->store, MARK, LJ_SQL_NULL, take_over, &job), LJ_OK);
  assert_null(job.data);
}

static void a_job_that_was_cancelled_in_its_batch_is_not_taken(void **state) {
  queue_fixture *queue = *state;
  lj_job job = {0};
  add_gathered(queue, 1);
  seal(queue, 10, 1000, 1);
  assert_code(lj_batches_jobs(queue->store, MARK, 1, take_over, &job), LJ_OK);
  memcpy(job.token, "one", 4);
  app_run(queue, "UPDATE llm_jobs SET status = 'cancelled'");
  assert_false(take(queue, &job));
  lj_job_free(&job);
}

static void what_is_left_runs_by_itself(void **state) {
  queue_fixture *queue = *state;
  add_gathered(queue, 2);
  seal(queue, 1, 1000, 1);
  start(queue);
  commit(queue, lj_batches_leave(queue->store, MARK));
  assert_rows(queue, "delayed|+p/m|- waiting||-", WHERE);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      queue_test(gathered_jobs_wait_under_their_lane_until_they_are_lost),
      queue_test(a_batch_takes_the_first_by_priority_within_its_size),
      queue_test(one_job_is_a_batch_however_large_it_is),
      queue_test(of_two_workers_one_goes_on),
      queue_test(a_job_is_taken_once_and_by_the_same_token_again),
      queue_test(a_job_that_was_cancelled_in_its_batch_is_not_taken),
      queue_test(what_is_left_runs_by_itself),
  };
  return cmocka_run_group_tests_name("batches", tests, NULL, NULL);
}
