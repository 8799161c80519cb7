/* SPDX-License-Identifier: MIT
 *
 * Processes that the engine starts: what they inherit, and how they end.
 */
#include "base/child.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/process.h"
#include "support/test.h"

static void wait_for_end(lj_child *child) {
  for (int i = 0; i < 2000 && lj_child_running(child); i++) lj_sleep_us(5000);
  assert_int_equal(child->id, 0);
}

static char *read_file(const char *path) {
  static char text[4096];
  for (int i = 0; i < 2000; i++) {
    FILE *file = fopen(path, "r");
    size_t got = file != NULL ? fread(text, 1, sizeof text - 1, file) : 0;
    if (file != NULL) (void)fclose(file);
    text[got] = '\0';
    if (got > 0 && text[got - 1] == '\n') return text;
    lj_sleep_us(5000);
  }
  fail_msg("nothing was written to %s", path);
  return NULL;
}

static void a_program_that_does_not_exist_is_said_so(void **state) {
  static const char *const missing[] = {"lj-no-such-program", NULL};
  static const char *const folder[] = {"/", NULL};
  lj_child child = {0};
  (void)state;
  assert_code(lj_child_start(&child, missing), LJ_NOT_FOUND);
  assert_code(lj_child_start(&child, folder), LJ_NOT_FOUND);
  assert_false(lj_child_running(&child));
}

static void it_has_its_arguments_and_nothing_of_ours(void **state) {
  char path[] = "/tmp/lj-child-XXXXXX";
  int ours = mkstemp(path);
  char script[256];
  (void)state;
  assert_true(ours >= 0);
  /* Which files the shell has: its own three, and the one that lists them. */
  (void)snprintf(script, sizeof script, "for f in 3 4 5 6 7 8 9; do if [ -e /proc/self/fd/$f ] || [ -e /dev/fd/$f ]; then n=\"$n$f\"; fi; done; echo \"<$1><$2>$n\" > %s", path);
  const char *const command[] = {"sh", "-c", script, "sh", "two words", "a\"b", NULL};
  lj_child child = {0};
  int other = dup(ours); /* not closed by exec */
  assert_code(lj_child_start(&child, command), LJ_OK);
  wait_for_end(&child);
  /* The shell's list of its files is a file itself, 3. */
  char *text = read_file(path);
  if (strcmp(text, "<two words><a\"b>3\n") != 0) assert_string_equal(text, "<two words><a\"b>\n");
  (void)close(other);
  (void)close(ours);
  (void)unlink(path);
}

static void it_ends_when_asked_and_when_forced_with_all_it_has_started(void **state) {
  char path[] = "/tmp/lj-child-XXXXXX";
  int file = mkstemp(path);
  char script[256];
  (void)state;
  assert_true(file >= 0);
  (void)close(file);
  for (int force = 0; force < 2; force++) {
    lj_child child = {0};
    (void)snprintf(script, sizeof script, "%s sleep 600 & echo $! > %s; wait", force ? "trap '' TERM;" : "", path);
    const char *const command[] = {"sh", "-c", script, NULL};
    assert_code(lj_child_start(&child, command), LJ_OK);
    long grandchild = strtol(read_file(path), NULL, 10);
    assert_true(lj_child_running(&child));
    assert_true(lj_process_alive(grandchild));
    lj_child_end(&child, force != 0);
    wait_for_end(&child);
    for (int i = 0; i < 2000 && lj_process_alive(grandchild); i++) lj_sleep_us(5000);
    assert_false(lj_process_alive(grandchild));
    assert_int_equal(truncate(path, 0), 0);
  }
  (void)unlink(path);
}

static void what_a_dead_one_has_left_behind_ends_too(void **state) {
  char path[] = "/tmp/lj-child-XXXXXX";
  int file = mkstemp(path);
  char script[256];
  lj_child child = {0};
  (void)state;
  assert_true(file >= 0);
  (void)close(file);
  (void)snprintf(script, sizeof script, "sleep 600 & echo $! > %s; exit 3", path);
  const char *const command[] = {"sh", "-c", script, NULL};
  assert_code(lj_child_start(&child, command), LJ_OK);
  long grandchild = strtol(read_file(path), NULL, 10);
  wait_for_end(&child);
  for (int i = 0; i < 2000 && lj_process_alive(grandchild); i++) lj_sleep_us(5000);
  assert_false(lj_process_alive(grandchild));
  (void)unlink(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      tidy_test(a_program_that_does_not_exist_is_said_so),
      tidy_test(it_has_its_arguments_and_nothing_of_ours),
      tidy_test(it_ends_when_asked_and_when_forced_with_all_it_has_started),
      tidy_test(what_a_dead_one_has_left_behind_ends_too),
  };
  lj_memory_init();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
