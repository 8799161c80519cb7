/* SPDX-License-Identifier: MIT
 *
 * Table llm_jobs, from js/schema.json by way of the generated schema_ddl.h.
 */
#ifndef LJ_QUEUE_SCHEMA_H
#define LJ_QUEUE_SCHEMA_H

#include "queue/store.h"

/* Creates the table and its indexes, or adds the columns and indexes that an older table lacks; writes nothing when all are
 * there. LJ_OK, LJ_BUSY, LJ_NOMEM, LJ_DB_ERROR, or LJ_DB_SCHEMA when a column is missing that SQLite can't add. */
int lj_schema_ensure(lj_store *store, lj_fault *fault) LJ_MUST_CHECK;

/* The first column that is missing, or NULL when the table is whole; "llm_jobs" itself when there is no table. Static. */
int lj_schema_missing(lj_store *store, const char **column) LJ_MUST_CHECK;

#endif
