/* SPDX-License-Identifier: MIT
 *
 * What src/base asks of Windows: clocks, threads, processes and their command lines, paths that are not ASCII.
 */
#include <windows.h>

#include "base/child.h"
#include "base/clock.h"
#include "base/process.h"
#include "base/random.h"
#include "base/thread.h"
#include "base/volume.h"
#include "support/test.h"

/* This program, when a test starts it again: argv[1] says what it is to do. */
static char self[MAX_PATH];

enum { PATIENCE_MS = 20000 };

static void both_clocks_go_on(void **state) {
  (void)state;
  int64_t wall = lj_wall_ms();
  int64_t mono = lj_mono_us();
  assert_true(wall > 1700000000000); /* November 2023, in milliseconds since 1970 */
  lj_sleep_us(20000);
  int64_t slept = lj_mono_us() - mono;
  assert_in_range(slept, 20000, 5000000);
  assert_in_range(lj_wall_ms() - wall, 15, 5000);
  for (int i = 0; i < 10000; i++) {
    int64_t next = lj_mono_us();
    assert_true(next >= mono);
    mono = next;
  }
}

static void count_up(void *argument) {
  struct {
    lj_mutex lock;
    int count;
  } *shared = argument;
  for (int i = 0; i < 10000; i++) {
    lj_mutex_lock(&shared->lock);
    shared->count++;
    lj_mutex_unlock(&shared->lock);
  }
}

static void a_lock_keeps_threads_apart(void **state) {
  struct {
    lj_mutex lock;
    int count;
  } shared = {.count = 0};
  lj_thread threads[4];
  (void)state;
  assert_code(lj_mutex_init(&shared.lock), LJ_OK);
  for (size_t i = 0; i < COUNT_OF(threads); i++) assert_code(lj_thread_start(&threads[i], "test", count_up, &shared), LJ_OK);
  for (size_t i = 0; i < COUNT_OF(threads); i++) lj_thread_join(&threads[i]);
  lj_mutex_destroy(&shared.lock);
  assert_int_equal(shared.count, 40000);
}

static void random_texts_differ(void **state) {
  char one[33];
  char two[33];
  (void)state;
  assert_code(lj_random_hex(one, 16), LJ_OK);
  assert_code(lj_random_hex(two, 16), LJ_OK);
  assert_int_equal(strlen(one), 32);
  assert_string_not_equal(one, two);
}

static void a_process_is_known_by_its_id(void **state) {
  char name[64];
  int64_t cpu_ms = -1;
  int64_t bytes = -1;
  (void)state;
  assert_true(lj_process_alive(lj_process_id()));
  assert_false(lj_process_alive(0));
  assert_false(lj_process_alive(INT64_MAX));
  lj_host_name(name, sizeof name);
  assert_true(strlen(name) > 0);
  lj_process_usage(&cpu_ms, &bytes);
  assert_true(cpu_ms >= 0);
  assert_in_range(bytes, 100000, 1000000000);
}

/* Waits for a line in the file. */
static void read_line(const char *path, char *line, int size) {
  for (int i = 0; i < PATIENCE_MS / 10; i++) {
    FILE *file = fopen(path, "rb");
    line[0] = '\0';
    if (file != NULL) {
      size_t got = fread(line, 1, (size_t)size - 1, file);
      line[got] = '\0';
      (void)fclose(file);
      if (got > 0 && line[got - 1] == '\n') return;
    }
    lj_sleep_us(10000);
  }
  fail_msg("nothing was written to %s", path);
}

static void name_file(char path[MAX_PATH], const char *name) {
  assert_true(GetTempPathA(MAX_PATH - 64, path) > 0);
  (void)snprintf(path + strlen(path), 64, "llm-jobs-%lu-%s", GetCurrentProcessId(), name);
}

static void wait_for_end(lj_child *child) {
  for (int i = 0; i < PATIENCE_MS / 10 && lj_child_running(child); i++) lj_sleep_us(10000);
  assert_int_equal(child->id, 0);
}

static void a_program_gets_its_arguments_as_they_are(void **state) {
  char path[MAX_PATH];
  char line[512];
  lj_child child = {0};
  (void)state;
  name_file(path, "arguments");
  const char *const command[] = {self, "print", path, "two words", "", "a\"b", "end\\", "\\\\\"", "two words\\", NULL};
  assert_code(lj_child_start(&child, command), LJ_OK);
  assert_true(lj_child_running(&child));
  assert_true(lj_process_alive(child.id));
  read_line(path, line, sizeof line);
  assert_string_equal(line, "<two words><><a\"b><end\\><\\\\\"><two words\\>\n");
  wait_for_end(&child);
  assert_true(DeleteFileA(path));
}

static void what_is_no_program_is_said_so(void **state) {
  static const char *const missing[] = {"lj-no-such-program", NULL};
  static const char *const folder[] = {"C:\\", NULL};
  char path[MAX_PATH];
  lj_child child = {0};
  (void)state;
  assert_code(lj_child_start(&child, missing), LJ_NOT_FOUND);
  assert_code(lj_child_start(&child, folder), LJ_NOT_FOUND);
  name_file(path, "text.exe");
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  (void)fputs("this is no program", file);
  (void)fclose(file);
  const char *const text[] = {path, NULL};
  assert_code(lj_child_start(&child, text), LJ_NOT_FOUND);
  assert_false(lj_child_running(&child));
  assert_true(DeleteFileA(path));
}

/* The program starts another one, which writes its id. Both end together. */
static void a_program_ends_with_all_that_it_has_started(void **state) {
  char path[MAX_PATH];
  char line[64];
  lj_child child = {0};
  (void)state;
  name_file(path, "family");
  const char *const command[] = {self, "family", path, NULL};
  assert_code(lj_child_start(&child, command), LJ_OK);
  read_line(path, line, sizeof line);
  int64_t grandchild = strtoll(line, NULL, 10);
  assert_true(lj_process_alive(grandchild));
  lj_child_end(&child, false);
  wait_for_end(&child);
  for (int i = 0; i < PATIENCE_MS / 10 && lj_process_alive(grandchild); i++) lj_sleep_us(10000);
  assert_false(lj_process_alive(grandchild));
  assert_true(DeleteFileA(path));
}

static void paths_are_utf8(void **state) {
  wchar_t wide[MAX_PATH];
  char folder[MAX_PATH];
  char path[MAX_PATH + 32];
  lj_volume volume;
  (void)state;
  assert_true(GetTempPathW(MAX_PATH - 64, wide) > 0);
  (void)swprintf(wide + wcslen(wide), 64, L"llm-jobs-%lu-\u00fc\u65e5", GetCurrentProcessId());
  assert_true(CreateDirectoryW(wide, NULL));
  assert_true(WideCharToMultiByte(CP_UTF8, 0, wide, -1, folder, sizeof folder, NULL, NULL) > 0);
  (void)snprintf(path, sizeof path, "%s/app.db", folder);
  assert_int_equal(lj_path_look(folder), LJ_PATH_FOLDER);
  assert_int_equal(lj_path_look(path), LJ_PATH_NONE);
  assert_false(lj_file_exists(path));
  wchar_t file[MAX_PATH + 16];
  (void)swprintf(file, MAX_PATH + 16, L"%ls\\app.db", wide);
  HANDLE handle = CreateFileW(file, GENERIC_WRITE, 0, NULL, CREATE_NEW, FILE_ATTRIBUTE_NORMAL, NULL);
  assert_true(handle != INVALID_HANDLE_VALUE);
  (void)CloseHandle(handle);
  assert_int_equal(lj_path_look(path), LJ_PATH_FILE);
  assert_true(lj_file_exists(path));
  assert_true(lj_path_writable(path));
  assert_true(SetFileAttributesW(file, FILE_ATTRIBUTE_READONLY));
  assert_false(lj_path_writable(path));
  assert_true(SetFileAttributesW(file, FILE_ATTRIBUTE_NORMAL));
  lj_volume_of(path, &volume);
  assert_int_equal(volume.kind, LJ_VOLUME_LOCAL);
  assert_true(DeleteFileW(file));
  assert_true(RemoveDirectoryW(wide));
  assert_int_equal(lj_path_look(path), LJ_PATH_NO_FOLDER);
}

static int print(const char *path, int count, char **words) {
  FILE *file = fopen(path, "wb");
  if (file == NULL) return 1;
  for (int i = 0; i < count; i++) (void)fprintf(file, "<%s>", words[i]);
  (void)fputc('\n', file);
  return fclose(file) == 0 ? 0 : 1;
}

/* Outlives the test's patience unless it is ended. */
static int sleep_long(const char *path) {
  FILE *file = path != NULL ? fopen(path, "wb") : NULL;
  if (file != NULL) {
    (void)fprintf(file, "%lu\n", GetCurrentProcessId());
    (void)fclose(file);
  }
  Sleep(4 * PATIENCE_MS);
  return 0;
}

static int start_another(const char *path) {
  STARTUPINFOA startup = {.cb = sizeof startup};
  PROCESS_INFORMATION process;
  char line[3 * MAX_PATH];
  (void)snprintf(line, sizeof line, "\"%s\" sleep \"%s\"", self, path);
  if (!CreateProcessA(self, line, NULL, NULL, FALSE, 0, NULL, NULL, &startup, &process)) return 1;
  return sleep_long(NULL);
}

int main(int argc, char **argv) {
  if (GetModuleFileNameA(NULL, self, sizeof self) == 0) return 1;
  if (argc > 2 && strcmp(argv[1], "print") == 0) return print(argv[2], argc - 3, argv + 3);
  if (argc > 2 && strcmp(argv[1], "family") == 0) return start_another(argv[2]);
  if (argc > 2 && strcmp(argv[1], "sleep") == 0) return sleep_long(argv[2]);
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(both_clocks_go_on),
      cmocka_unit_test(a_lock_keeps_threads_apart),
      cmocka_unit_test(random_texts_differ),
      cmocka_unit_test(a_process_is_known_by_its_id),
      cmocka_unit_test(a_program_gets_its_arguments_as_they_are),
      cmocka_unit_test(what_is_no_program_is_said_so),
      cmocka_unit_test(a_program_ends_with_all_that_it_has_started),
      cmocka_unit_test(paths_are_utf8),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
