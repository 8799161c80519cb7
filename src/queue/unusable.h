/* SPDX-License-Identifier: MIT
 *
 * Why a database can't be used: code, culprit and remedy, for people who have never heard of SQLite's codes.
 */
#ifndef LJ_QUEUE_UNUSABLE_H
#define LJ_QUEUE_UNUSABLE_H

#include <sqlite3.h>

#include "base/fault.h"
#include "base/log.h"

/* Before the file is opened: LJ_BAD_CONFIG (there is no such file) or LJ_DB_NETWORK with the remedy in `fault`, or LJ_OK. Warns of
 * a drive that may be a network's. */
int lj_unusable_path(const char *path, const lj_log *log, lj_fault *fault) LJ_MUST_CHECK;

/* What SQLite's extended code means for the whole file: LJ_DB_ENCRYPTED, LJ_DB_CORRUPT, LJ_DB_READONLY or LJ_DB_ERROR, with
 * `words` (SQLite's own, may be NULL) in the message. LJ_BUSY and LJ_NOMEM leave `fault` as it is. */
int lj_unusable_explain(const char *path, int sqlite_code, const char *words, lj_fault *fault) LJ_MUST_CHECK;

#endif
