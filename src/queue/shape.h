/* SPDX-License-Identifier: MIT
 *
 * What kind of table llm_jobs is: ours, or one of the original schema that has been completed.
 */
#ifndef LJ_QUEUE_SHAPE_H
#define LJ_QUEUE_SHAPE_H

#include "queue/job.h"
#include "queue/store.h"

/* Reads store->shape from the schema. Warns of what such a table can't do. */
int lj_shape_read(lj_store *store) LJ_MUST_CHECK;

/* Inside a transaction: reads it anew when the schema has changed. */
int lj_shape_renew(lj_store *store) LJ_MUST_CHECK;

/* The status that is written for this one: 'failed' for 'cancelled' where the table refuses that. */
lj_status lj_shape_status(const lj_store *store, lj_status status);

/* What the CREATE TABLE text says of the states. Sets lacks_cancelled and lacks_waiting_children. */
void lj_shape_read_checks(const char *sql, lj_shape *shape);

#endif
