/* SPDX-License-Identifier: MIT
 *
 * A database that can't be used: each cause has its code, and a sentence that names the culprit and the remedy.
 */
#include <sys/stat.h>
#include <unistd.h>

#include "queue/unusable.h"
#include "support/fault_vfs.h"
#include "support/queue_fixture.h"

enum { NOBODY = 65534 };

static void assert_fails(queue_fixture *queue, const char *path, int code, const char *culprit, const char *remedy) {
  lj_store *store = NULL;
  lj_fault fault;
  assert_code(lj_store_open(path, &queue->log, &store, &fault), code);
  assert_null(store);
  assert_code(fault.code, code);
  assert_non_null(strstr(fault.message, path));
  if (strstr(fault.message, culprit) == NULL || strstr(fault.message, remedy) == NULL) fail_msg("%s", fault.message);
}

/* Permissions mean nothing to root. */
static void become_nobody(void) {
  if (geteuid() == 0) assert_int_equal(seteuid(NOBODY), 0);
}
static void become_root_again(void) {
  if (getuid() == 0) assert_int_equal(seteuid(0), 0);
}

/* Nobody has the file open, and -wal and -shm are gone. */
static void leave(queue_fixture *queue) {
  assert_int_equal(sqlite3_close(queue->app), SQLITE_OK);
  queue->app = NULL;
}

static void missing_file_missing_folder_and_folder(void **state) {
  queue_fixture *queue = *state;
  char path[400];
  (void)snprintf(path, sizeof path, "%s/none.db", queue->folder);
  assert_fails(queue, path, LJ_BAD_CONFIG, "no file", "open it in the app first");
  assert_int_not_equal(access(path, F_OK), 0);
  (void)snprintf(path, sizeof path, "%s/none/app.db", queue->folder);
  assert_fails(queue, path, LJ_BAD_CONFIG, "no folder", "correct the path");
  assert_fails(queue, queue->folder, LJ_BAD_CONFIG, "is a folder", "name the SQLite file");
}

static void file_of_another_user(void **state) {
  queue_fixture *queue = *state;
  assert_int_equal(chmod(queue->folder, 0777), 0);
  assert_int_equal(chmod(queue->path, 0444), 0);
  become_nobody();
  assert_fails(queue, queue->path, LJ_DB_READONLY, "can't be written by this user", "correct the permissions");
  become_root_again();
}

static void folder_of_another_user(void **state) {
  queue_fixture *queue = *state;
  leave(queue);
  assert_int_equal(chmod(queue->path, 0666), 0);
  assert_int_equal(chmod(queue->folder, 0555), 0);
  become_nobody();
  assert_fails(queue, queue->path, LJ_DB_READONLY, "the folder of", "-wal, -shm");
  become_root_again();
  assert_int_equal(chmod(queue->folder, 0), 0);
  become_nobody();
  assert_fails(queue, queue->path, LJ_BAD_CONFIG, "look into the folder", "correct the permissions");
  become_root_again();
  assert_int_equal(chmod(queue->folder, 0700), 0);
}

static void overwrite(const char *path, long at, int value, int count) {
  FILE *file = fopen(path, "r+b");
  assert_non_null(file);
  assert_int_equal(fseek(file, at, SEEK_SET), 0);
  for (int i = 0; i < count; i++) assert_int_equal(fputc(value, file), value);
  assert_int_equal(fclose(file), 0);
}

static void damaged_file(void **state) {
  queue_fixture *queue = *state;
  app_run(queue, "CREATE TABLE notes (a); INSERT INTO notes VALUES (1)");
  leave(queue);
  overwrite(queue->path, 100, 0xff, 8); /* the head of the page that holds the schema */
  assert_fails(queue, queue->path, LJ_DB_CORRUPT, "is damaged", "restore a backup");
}

static void file_that_is_no_database(void **state) {
  queue_fixture *queue = *state;
  app_run(queue, "CREATE TABLE notes (a); INSERT INTO notes VALUES (1)");
  leave(queue);
  overwrite(queue->path, 0, 0x5a, 100);
  assert_fails(queue, queue->path, LJ_DB_ENCRYPTED, "encrypted or is no SQLite file", "plain SQLite files");
}

static void empty_file_is_not_wal(void **state) {
  queue_fixture *queue = *state;
  leave(queue);
  assert_int_equal(truncate(queue->path, 0), 0);
  assert_fails(queue, queue->path, LJ_DB_NOT_WAL, "journal_mode delete", "PRAGMA journal_mode = WAL");
}

static void full_or_failing_disk(void **state) {
  queue_fixture *queue = *state;
  fault_vfs_install();
  fault_vfs_arm(FAULT_FULL, 1, 0);
  assert_fails(queue, queue->path, LJ_DB_ERROR, "is full", "free some space");
  fault_vfs_arm(FAULT_SHORT_WRITE, 1, 0);
  assert_fails(queue, queue->path, LJ_DB_ERROR, "the disk of", "look at the disk");
  assert_true(fault_vfs_hits() > 0);
  fault_vfs_disarm();
  fault_vfs_remove();
  queue_open_store(queue);
}

static void every_code_of_sqlite_is_explained(void **state) {
  static const struct {
    int sqlite;
    int code;
  } cases[] = {{SQLITE_NOTADB, LJ_DB_ENCRYPTED},         {SQLITE_CORRUPT, LJ_DB_CORRUPT},     {SQLITE_CORRUPT_INDEX, LJ_DB_CORRUPT},
               {SQLITE_READONLY_DBMOVED, LJ_DB_READONLY}, {SQLITE_PERM, LJ_DB_READONLY},       {SQLITE_FULL, LJ_DB_ERROR},
               {SQLITE_IOERR_FSYNC, LJ_DB_ERROR},         {SQLITE_ERROR, LJ_DB_ERROR},         {SQLITE_CANTOPEN, LJ_DB_ERROR}};
  queue_fixture *queue = *state;
  lj_fault fault;
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    assert_code(lj_unusable_explain(queue->path, cases[i].sqlite, NULL, &fault), cases[i].code);
    assert_code(fault.code, cases[i].code);
    assert_non_null(strstr(fault.message, queue->path));
  }
  lj_fault_clear(&fault);
  assert_code(lj_unusable_explain(queue->path, SQLITE_BUSY_SNAPSHOT, NULL, &fault), LJ_BUSY);
  assert_code(lj_unusable_explain(queue->path, SQLITE_NOMEM, NULL, &fault), LJ_NOMEM);
  assert_code(fault.code, LJ_OK);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      empty_database_test(missing_file_missing_folder_and_folder),
      empty_database_test(file_of_another_user),
      empty_database_test(folder_of_another_user),
      empty_database_test(damaged_file),
      empty_database_test(file_that_is_no_database),
      empty_database_test(empty_file_is_not_wal),
      empty_database_test(full_or_failing_disk),
      empty_database_test(every_code_of_sqlite_is_explained),
  };
  lj_memory_init();
  return cmocka_run_group_tests_name("unusable databases", tests, NULL, NULL);
}
