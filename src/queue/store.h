/* SPDX-License-Identifier: MIT
 *
 * The engine's one connection to the app's database, confined to table llm_jobs: an authorizer refuses every other table
 * (app triggers on llm_jobs may do what they do), the connection is DEFENSIVE, can't attach and can't load extensions.
 * Used by the engine's thread only.
 *
 * Writing: lj_store_begin → settle, claim, recover, renew (settle.h, claim.h, recovery.h) → lj_store_commit. Every
 * transaction is BEGIN IMMEDIATE and is retried as a whole by the caller when begin or commit says LJ_BUSY; nothing here
 * sleeps or waits for a lock, because the thread also drives the network.
 */
#ifndef LJ_QUEUE_STORE_H
#define LJ_QUEUE_STORE_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/fault.h"
#include "base/log.h"

#define LJ_ROUTE_KEY "ifnull(model, ':' || name)" /* as in index llm_jobs_ready, to the letter */

/* Every statement of the engine, prepared at first use and kept. */
typedef enum lj_sql {
  LJ_SQL_BEGIN,
  LJ_SQL_COMMIT,
  LJ_SQL_ROLLBACK,
  LJ_SQL_DATA_VERSION,
  LJ_SQL_NEXT_QUEUE,
  LJ_SQL_NEXT_ROUTE,
  LJ_SQL_CANDIDATES,
  LJ_SQL_POSTPONE,
  LJ_SQL_NAME_ROW,
  LJ_SQL_READ_CLAIMED,
  LJ_SQL_CLAIM,
  LJ_SQL_PROMOTE,
  LJ_SQL_FIRST_RUN,
  LJ_SQL_NEXT_DUE,
  LJ_SQL_COMPLETE,
  LJ_SQL_RETRY,
  LJ_SQL_FAIL,
  LJ_SQL_RELEASE,
  LJ_SQL_CANCEL,
  LJ_SQL_NOTE_REMOTE,
  LJ_SQL_READ_REMOTE,
  LJ_SQL_END_IDLE,
  LJ_SQL_REQUEST_CANCEL,
  LJ_SQL_CANCEL_REQUESTS,
  LJ_SQL_EXPIRE_LIST,
  LJ_SQL_NEXT_EXPIRY,
  LJ_SQL_READ_END,
  LJ_SQL_READ_PARENT,
  LJ_SQL_HAS_UNFINISHED,
  LJ_SQL_FAILED_CHILD,
  LJ_SQL_PARK,
  LJ_SQL_COUNT_DOWN,
  LJ_SQL_UNPARK,
  LJ_SQL_CANCEL_CHILDREN,
  LJ_SQL_EXAMINE_LIST,
  LJ_SQL_BLOCKED_LIST,
  LJ_SQL_ANY_BLOCKED,
  LJ_SQL_CHILDREN,
  LJ_SQL_REPEAT,
  LJ_SQL_NTH_NEWEST,
  LJ_SQL_ANY_SECONDS,
  LJ_SQL_NTH_NEWEST_MIXED,
  LJ_SQL_ANY_END,
  LJ_SQL_REMOVE,
  LJ_SQL_REVISION,
  LJ_SQL_LAST_CHANGE,
  LJ_SQL_AHEAD_RETRIES,
  LJ_SQL_AHEAD_REPEATS,
  LJ_SQL_RESCHEDULE,
  LJ_SQL_NEWER,
  LJ_SQL_OUST,
  LJ_SQL_PROGRESS,
  LJ_SQL_RENEW,
  LJ_SQL_HELD,
  LJ_SQL_EXPIRED,
  LJ_SQL_OWNERS,
  LJ_SQL_RECOVER_OWNER,
  LJ_SQL_RECOVER_EXPIRED,
  LJ_SQL_RECOVER_LIST,
  LJ_SQL_RECOVER_ROW,
  LJ_SQL_FIND_HELD,
  LJ_SQL_BATCH_GATHER,
  LJ_SQL_BATCH_LIST,
  LJ_SQL_BATCH_PICK,
  LJ_SQL_BATCH_SEAL,
  LJ_SQL_BATCH_NOTE,
  LJ_SQL_BATCH_JOBS,
  LJ_SQL_BATCH_TAKE,
  LJ_SQL_BATCH_LEAVE,
  LJ_SQL_BATCH_ANY,
  LJ_SQL_SCHEMA_VERSION,
  LJ_SQL_OTHER_CALLS,
  LJ_SQL_CHANGED_CALLS,
  LJ_SQL_WEIGH,
  LJ_SQL_MOVE,
  LJ_SQL_ADD,
  LJ_SQL_COMPARE_JOB,
  LJ_SQL_READ_JOB,
  LJ_SQL_END
} lj_sql;

/* What a table of the original schema does differently. */
typedef struct lj_shape {
  bool renumbers;        /* no INTEGER PRIMARY KEY: VACUUM and a rebuild may give a row another rowid */
  bool has_delay;        /* the original column `delay`: a delayed row without run_at has its time in other columns */
  bool lacks_cancelled;  /* the CHECK on status refuses 'cancelled': such ends are written as 'failed' */
  bool lacks_waiting_children; /* … and 'waiting-children': parents wait as 'waiting' */
} lj_shape;

typedef struct lj_store {
  sqlite3 *db;
  const lj_log *log;
  sqlite3_stmt *statements[LJ_SQL_END];
  int synchronous;      /* level in force: 1 NORMAL, 2 FULL */
  int64_t data_version; /* last seen */
  lj_shape shape;       /* of the table at schema_version */
  int64_t schema_version;
  int64_t revision;     /* last one used in this transaction; −1: not read yet */
  int trouble;          /* SQLite's extended code of the last LJ_DB_ERROR, SQLITE_OK: there was none */
  char trouble_words[200];
  int64_t own_revision; /* the largest that this connection has given */
  bool in_transaction;
  bool defining;        /* the authorizer allows the table's own DDL */
} lj_store;

/* Opens an existing WAL database and creates or upgrades the table. LJ_OK; LJ_BUSY when another process holds the lock
 * (call again); LJ_NOMEM; LJ_BAD_CONFIG (no such file), LJ_DB_NOT_WAL, LJ_DB_ENCRYPTED, LJ_DB_CORRUPT,
 * LJ_DB_READONLY, LJ_DB_NETWORK, LJ_DB_SCHEMA or LJ_DB_ERROR with
 * the remedy in `fault`. */
int lj_store_open(const char *path, const lj_log *log, lj_store **out, lj_fault *fault) LJ_MUST_CHECK;
void lj_store_close(lj_store *store);

/* Whether the file at the path is another one than the one that is open: whatever was written now would be lost. One stat. */
int lj_store_moved(lj_store *store, bool *moved) LJ_MUST_CHECK;
/* After an error: makes SQLite read the schema again, which it does not do by itself when a trigger failed to compile. */
void lj_store_refresh(lj_store *store);

/* `durable`: the commit survives a power cut (synchronous=FULL); otherwise it survives a crash of the process (NORMAL).
 * LJ_OK, LJ_BUSY, LJ_NOMEM, LJ_DB_ERROR. */
int lj_store_begin(lj_store *store, bool durable) LJ_MUST_CHECK;
/* As begin; on any error the transaction has been rolled back. */
int lj_store_commit(lj_store *store) LJ_MUST_CHECK;
void lj_store_rollback(lj_store *store);

/* Sets *changed when another connection has committed since the last call. Costs about 2.5 µs. */
int lj_store_changed(lj_store *store, bool *changed) LJ_MUST_CHECK;

/* For the other files of queue/ only. The statement is ready to be bound; give it back with lj_store_release, which resets
 * and unbinds it: a statement left open holds its lock. */
int lj_store_statement(lj_store *store, lj_sql which, sqlite3_stmt **out) LJ_MUST_CHECK;
void lj_store_release(sqlite3_stmt *statement);
/* The engine's code for what SQLite said. */
int lj_store_code(lj_store *store, int sqlite_code);
/* Runs a bound statement that returns no row and gives it back. *changes (may be NULL) is the number of rows it wrote. */
int lj_store_run(lj_store *store, sqlite3_stmt *statement, int *changes) LJ_MUST_CHECK;
#define LJ_SQL_NULL INT64_MIN
/* Runs a statement whose parameters are these numbers, LJ_SQL_NULL for NULL, and that returns no row. */
int lj_store_run_numbers(lj_store *store, lj_sql which, const int64_t *numbers, int count) LJ_MUST_CHECK;
/* The number of the next change, larger than any in the table. Inside a transaction. */
int lj_store_revision(lj_store *store, int64_t *revision) LJ_MUST_CHECK;
/* A text column, copied; *out is NULL for SQL NULL. LJ_OK or LJ_NOMEM. */
int lj_store_dup_text(sqlite3_stmt *statement, int column, char **out) LJ_MUST_CHECK;

#endif
