/* SPDX-License-Identifier: MIT
 *
 * Codes, faults, clocks, randomness, threads, processes, log lines.
 */
#include "base/clock.h"
#include "base/fault.h"
#include "base/log.h"
#include "base/process.h"
#include "base/random.h"
#include "base/thread.h"
#include "base/utf8.h"
#include "support/test.h"

#ifndef _WIN32
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

static void codes_have_names_and_classes(void **state) {
  int code;
  (void)state;
  assert_string_equal(lj_code_name(LJ_OK), "OK");
  assert_string_equal(lj_code_name(LJ_NOMEM), "NOMEM");
  assert_string_equal(lj_code_name(LJ_RATE_LIMITED), "RATE_LIMITED");
  assert_string_equal(lj_code_name(LJ_DB_MOVED), "DB_MOVED");
  assert_string_equal(lj_code_name(LJ_CODE_END), "UNKNOWN");
  assert_string_equal(lj_code_name(1), "UNKNOWN");
  assert_int_equal(lj_code_class(LJ_BAD_JOB), LJ_CLASS_JOB);
  assert_int_equal(lj_code_class(LJ_AUTH), LJ_CLASS_TARGET);
  assert_int_equal(lj_code_class(LJ_PROTOCOL), LJ_CLASS_TRANSIENT);
  assert_int_equal(lj_code_class(LJ_UNREACHABLE), LJ_CLASS_LANE);
  assert_int_equal(lj_code_class(LJ_EXPIRED), LJ_CLASS_VERDICT);
  assert_int_equal(lj_code_class(LJ_BAD_CONFIG), LJ_CLASS_SETUP);
  for (code = LJ_OK; code > LJ_CODE_END; code--) {
    assert_true(strcmp(lj_code_name(code), "UNKNOWN") != 0);
  }
}

static void a_fault_is_set_whole(void **state) {
  lj_fault fault;
  char text[8];
  (void)state;
  fault.http_status = 500;
  fault.retry_after_ms = 7;
  assert_code(lj_fault_set(&fault, LJ_BAD_JOB, "%s %d", "x", 1), LJ_BAD_JOB);
  assert_code(fault.code, LJ_BAD_JOB);
  assert_string_equal(fault.message, "x 1");
  assert_int_equal(fault.http_status, 0);
  assert_int_equal(fault.retry_after_ms, -1);
  assert_code(lj_fault_set(&fault, LJ_BAD_JOB, "again: %s", fault.message), LJ_BAD_JOB);
  assert_string_equal(fault.message, "again: x 1");
  assert_code(lj_fault_set(NULL, LJ_AUTH, "x"), LJ_AUTH);
  lj_fault_clear(NULL);
  lj_fault_set(&fault, LJ_AUTH, "%5000d", 1);
  assert_int_equal(strlen(fault.message), sizeof fault.message - 1);
  lj_text_copy(text, sizeof text, "ab\xE2\x82\xAC\xE2\x82\xAC", 8); /* the second does not fit into 7 */
  assert_string_equal(text, "ab\xE2\x82\xAC");
  lj_text_copy(text, sizeof text, "\x01\n\t\x7F\xC3(", 6);
  assert_string_equal(text, "?\n\t?" "?(");
  lj_text_copy(text, 1, "abc", 3);
  assert_string_equal(text, "");
  lj_text_copy(NULL, 0, "abc", 3);
}

static void only_well_formed_utf8_stays(void **state) {
  static const struct {
    const char *bytes;
    const char *repaired;
  } cases[] = {
      {"a\xC3\xBC\xE2\x82\xAC\xF0\x9F\x98\x80", "a\xC3\xBC\xE2\x82\xAC\xF0\x9F\x98\x80"},
      {"\xC0\x80", "??"},           /* overlong */
      {"\xE0\x80\x80", "???"},      /* overlong */
      {"\xED\xA0\x80", "???"},      /* a surrogate */
      {"\xF4\x90\x80\x80", "????"}, /* above U+10FFFF */
      {"\xF5\x80\x80\x80", "????"},
      {"\xE2\x82", "??"},           /* cut */
      {"\x80x\xFF", "?x?"},
      {"\xE2\x82x", "??x"},
  };
  size_t at;
  (void)state;
  for (at = 0; at < COUNT_OF(cases); at++) {
    char text[16] = "";
    memcpy(text, cases[at].bytes, strlen(cases[at].bytes) + 1);
    lj_utf8_repair(text, strlen(text));
    assert_string_equal(text, cases[at].repaired);
  }
}

static void a_fault_hides_a_secret_wherever_it_stands(void **state) {
  lj_fault fault;
  (void)state;
  lj_fault_set(&fault, LJ_AUTH, "s3cr3t-key is wrong: s3cr3t-keys3cr3t-key, not s3cr3t-ke");
  lj_fault_hide(&fault, "s3cr3t-key");
  assert_string_equal(fault.message, "[key] is wrong: [key][key], not s3cr3t-ke");
  lj_fault_hide(&fault, NULL);
  lj_fault_hide(&fault, "");
  assert_string_equal(fault.message, "[key] is wrong: [key][key], not s3cr3t-ke");
}

static void the_clocks_run_unless_a_test_holds_them(void **state) {
  int64_t wall = lj_wall_ms();
  int64_t mono = lj_mono_us();
  (void)state;
  assert_true(wall > 1600000000000 && wall < 4100000000000);
  lj_sleep_us(2000);
  assert_true(lj_mono_us() - mono >= 2000);
  lj_clock_virtual(1000, 5000000);
  assert_int_equal(lj_wall_ms(), 1000);
  lj_sleep_us(1000);
  assert_int_equal(lj_mono_ms(), 5000);
  lj_clock_advance(10, 2000);
  assert_int_equal(lj_wall_ms(), 1010);
  assert_int_equal(lj_mono_ms(), 5002);
  lj_clock_real();
  assert_true(lj_wall_ms() >= wall);
}

static void texts_of_one_pool_differ_and_leave_nothing_behind(void **state) {
  enum { TEXTS = 40, BYTES = 16 };
  static const unsigned char wiped[sizeof((lj_random_pool *)NULL)->bytes];
  char texts[TEXTS][2 * BYTES + 1];
  char large[2 * 257 + 1];
  lj_random_pool pool;
  (void)state;
  for (size_t wanted = 0; wanted <= TEXTS * BYTES; wanted += TEXTS * BYTES / 4) { /* more are asked for than were announced */
    memset(pool.bytes, 0, sizeof pool.bytes);
    lj_random_pool_init(&pool, wanted);
    for (size_t i = 0; i < TEXTS; i++) {
      assert_code(lj_random_pool_hex(&pool, texts[i], BYTES), LJ_OK);
      assert_int_equal(strlen(texts[i]), 2 * BYTES);
      assert_int_equal(strspn(texts[i], "0123456789abcdef"), 2 * BYTES);
      for (size_t other = 0; other < i; other++) assert_string_not_equal(texts[i], texts[other]);
    }
    assert_code(lj_random_pool_hex(&pool, large, 257), LJ_INVALID);
    assert_code(lj_random_pool_hex(&pool, large, 256), LJ_OK);
    assert_int_equal(strlen(large), 512);
    assert_code(lj_random_pool_hex(&pool, large, 0), LJ_OK);
    assert_string_equal(large, "");
    lj_random_pool_end(&pool);
    assert_memory_equal(pool.bytes, wiped, sizeof wiped);
  }
}

static void random_numbers_are_hexadecimal_and_differ(void **state) {
  char first[81];
  char second[81];
  double low = 1;
  double high = 0;
  int at;
  (void)state;
  assert_code(lj_random_hex(first, 40), LJ_OK);
  assert_code(lj_random_hex(second, 40), LJ_OK);
  assert_int_equal(strlen(first), 80);
  assert_int_equal(strspn(first, "0123456789abcdef"), 80);
  assert_string_not_equal(first, second);
  for (at = 0; at < 2000; at++) {
    double unit = lj_random_unit();
    assert_true(unit >= 0 && unit < 1);
    low = unit < low ? unit : low;
    high = unit > high ? unit : high;
  }
  assert_true(low < 0.05 && high > 0.95);
}

typedef struct counting {
  lj_mutex mutex;
  long count;
} counting;

static void count_up(void *argument) {
  counting *shared = argument;
  int at;
  for (at = 0; at < 20000; at++) {
    lj_mutex_lock(&shared->mutex);
    shared->count++;
    lj_mutex_unlock(&shared->mutex);
  }
}

static void threads_share_under_a_lock(void **state) {
  lj_thread threads[4];
  counting shared = {.count = 0};
  size_t at;
  (void)state;
  assert_code(lj_mutex_init(&shared.mutex), LJ_OK);
  for (at = 0; at < COUNT_OF(threads); at++) {
    assert_code(lj_thread_start(&threads[at], "a name that is much too long", count_up, &shared), LJ_OK);
  }
  for (at = 0; at < COUNT_OF(threads); at++) {
    lj_thread_join(&threads[at]);
  }
  assert_int_equal(shared.count, 80000);
  lj_mutex_destroy(&shared.mutex);
}

#ifndef _WIN32
static void look_at_mask(void *argument) {
  sigset_t mask;
  if (pthread_sigmask(SIG_SETMASK, NULL, &mask) == 0) {
    *(int *)argument = sigismember(&mask, SIGTERM) == 1 && sigismember(&mask, SIGINT) == 1 && sigismember(&mask, SIGUSR1) == 1;
  }
}

static void signals_stay_with_the_host(void **state) {
  lj_thread thread;
  sigset_t mask;
  int all_blocked = 0;
  (void)state;
  assert_code(lj_thread_start(&thread, "mask", look_at_mask, &all_blocked), LJ_OK);
  lj_thread_join(&thread);
  assert_int_equal(all_blocked, 1);
  assert_int_equal(pthread_sigmask(SIG_SETMASK, NULL, &mask), 0);
  assert_int_equal(sigismember(&mask, SIGTERM), 0);
}
#endif

/* Work that the compiler can't leave out, until a millisecond of processor time has gone into it. */
static void a_process_knows_what_it_uses(void **state) {
  int64_t before = 0;
  int64_t after = 0;
  int64_t resident = 0;
  int64_t resident_after = 0;
  enum { PIECE = 64 << 20 };
  (void)state;
  lj_process_usage(&before, &resident);
  assert_true(before >= 0);
  assert_in_range(resident, 1 << 20, INT64_C(1) << 40);
  char *piece = malloc(PIECE);
  assert_non_null(piece);
  after = before;
  for (int i = 0; i < 10000 && after <= before + 10; i++) {
    memset(piece, i, PIECE);
    lj_process_usage(&after, &resident_after);
  }
  assert_true(after > before + 10);
  assert_true(resident_after >= resident + PIECE / 2);
  free(piece);
}

static void processes_and_files(void **state) {
  char name[256];
  char small[4];
  (void)state;
  assert_true(lj_process_id() > 0);
  assert_true(lj_process_alive(lj_process_id()));
  assert_false(lj_process_alive(0));
  assert_false(lj_process_alive(-1));
  assert_false(lj_process_alive(INT64_MAX));
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) _exit(0);
  siginfo_t ended;
  assert_int_equal(waitid(P_PID, (id_t)child, &ended, WEXITED | WNOWAIT), 0); /* it has ended, and stays a zombie */
  assert_false(lj_process_alive(child));
  assert_int_equal(waitpid(child, NULL, 0), child);
  assert_false(lj_process_alive(child));
  lj_host_name(name, sizeof name);
  assert_true(name[0] != '\0');
  lj_host_name(small, sizeof small);
  assert_true(strlen(small) <= 3);
  assert_false(lj_file_exists("/"));
  assert_false(lj_file_exists("no/such/file"));
}

static void keep_line(void *owner, lj_log_level level, const char *line) {
  (void)snprintf(owner, 2000, "%s %s", lj_log_level_name(level), line);
}

static void log_lines_are_filtered_and_cut(void **state) {
  char line[2000] = "";
  lj_log log = {LJ_LOG_INFO, keep_line, line};
  (void)state;
  lj_log_write(NULL, LJ_LOG_ERROR, "x");
  lj_log_write(&log, LJ_LOG_DEBUG, "x");
  assert_string_equal(line, "");
  lj_log_write(&log, LJ_LOG_INFO, "%d", 7);
  assert_string_equal(line, "info 7");
  lj_log_write(&log, LJ_LOG_ERROR, "%3000d", 7);
  assert_int_equal(strlen(line), 1024 + strlen("error "));
  log.level = LJ_LOG_SILENT;
  line[0] = '\0';
  lj_log_write(&log, LJ_LOG_ERROR, "x");
  assert_string_equal(line, "");
}

static void memory_fails_when_asked_and_is_counted(void **state) {
  long live = lj_memory_live();
  char *block = lj_strndup("abcdef", 3);
  (void)state;
  assert_string_equal(block, "abc");
  assert_int_equal(lj_memory_live(), live + 1);
  lj_memory_fail_at(2, 0);
  assert_non_null((block = lj_realloc(block, 10)));
  assert_null(lj_realloc(block, 100));
  assert_string_equal(block, "abc");
  assert_non_null((block = lj_realloc(block, 100)));
  assert_int_equal(lj_memory_count(), 3);
  lj_memory_fail_at(1, 1);
  assert_null(lj_malloc(1));
  assert_null(lj_calloc(1, 1));
  assert_null(lj_strdup("x"));
  lj_memory_fail_at(0, 0);
  assert_null(lj_strdup(NULL));
  assert_null(lj_calloc(SIZE_MAX / 2, 4));
  lj_free(block);
  lj_free(NULL);
  assert_int_equal(lj_memory_live(), live);
  block = lj_malloc(0);
  assert_non_null(block);
  lj_free(block);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      tidy_test(codes_have_names_and_classes),
      tidy_test(a_fault_is_set_whole),
      tidy_test(only_well_formed_utf8_stays),
      tidy_test(a_fault_hides_a_secret_wherever_it_stands),
      tidy_test(the_clocks_run_unless_a_test_holds_them),
      tidy_test(texts_of_one_pool_differ_and_leave_nothing_behind),
      tidy_test(random_numbers_are_hexadecimal_and_differ),
      tidy_test(threads_share_under_a_lock),
#ifndef _WIN32
      tidy_test(signals_stay_with_the_host),
#endif
      tidy_test(a_process_knows_what_it_uses),
      tidy_test(processes_and_files),
      tidy_test(log_lines_are_filtered_and_cut),
      tidy_test(memory_fails_when_asked_and_is_counted),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
