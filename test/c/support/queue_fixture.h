/* SPDX-License-Identifier: MIT
 *
 * A database file of its own for each test, seen from both sides: `app` is the app's connection, free to do anything, and
 * `store` the engine's. Both are of the same copy of SQLite, so that they may share a process.
 */
#ifndef LJ_TEST_SUPPORT_QUEUE_FIXTURE_H
#define LJ_TEST_SUPPORT_QUEUE_FIXTURE_H

#include <sqlite3.h>

#include "queue/store.h"
#include "support/test.h"

typedef struct queue_fixture {
  char folder[256];
  char path[300];
  sqlite3 *app;
  lj_store *store;   /* NULL: the test opens it */
  lj_log log;        /* what the store writes to */
  int log_lines;
  char last_line[1100];
  char text[65536];  /* what app_text returned last */
  long live;         /* blocks in use before the set-up */
} queue_fixture;

/* For cmocka; *state is a queue_fixture. The folder and the empty WAL database are made, … */
int queue_setup_empty(void **state);
/* … and the store is open and the table made. */
int queue_setup(void **state);
/* Fails the test when a block of the engine's memory is left. */
int queue_teardown(void **state);

#define queue_test(function) cmocka_unit_test_setup_teardown(function, queue_setup, queue_teardown)
#define empty_database_test(function) cmocka_unit_test_setup_teardown(function, queue_setup_empty, queue_teardown)

/* The two parts of the set-up, for fixtures that are made of this one. */
void queue_fixture_open(queue_fixture *queue);
bool queue_fixture_close(queue_fixture *queue); /* false: memory is left */

/* Opens and closes the engine's side. */
void queue_open_store(queue_fixture *queue);
void queue_close_store(queue_fixture *queue);
/* One more connection to the same file, for the app or as another process would have it. */
sqlite3 *queue_connect(const queue_fixture *queue);

/* SQL of the app, formatted as sqlite3_mprintf does it (%Q, %lld). */
void app_run(queue_fixture *queue, const char *sql, ...);
/* The rows as text: columns are separated by '|', rows by ' ', NULL is "-". Valid until the next call. */
const char *app_text(queue_fixture *queue, const char *sql, ...);
int64_t app_number(queue_fixture *queue, const char *sql, ...);

/* As app_text, over any connection into `out`; returns SQLite's code. */
int query_text(sqlite3 *db, const char *sql, char *out, size_t size);

#define assert_rows(queue, expected, ...) assert_string_equal(app_text(queue, __VA_ARGS__), expected)

#endif
