/* SPDX-License-Identifier: MIT
 *
 * Jobs that are handed to a provider many at a time (opts.batch). Column `batch` says where one is:
 *
 *   waiting ─gather─► delayed, "+lane" ─seal─► delayed, "<mark>" ─take─► active ─► (settle.h)
 *                                                └─leave─► waiting, "": runs by a call of its own
 *
 * All rows of a sealed batch have the same `remote`, JSON that says how far the batch has come and who looks after it. It is
 * changed by whoever knows what it says, so that of two workers one goes on.
 */
#ifndef LJ_QUEUE_BATCHES_H
#define LJ_QUEUE_BATCHES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "queue/job.h"
#include "queue/store.h"

/* When a gathered job runs by itself, should its batch be lost: no API takes longer than two days. */
#define LJ_BATCHES_LOST_MS INT64_C(259200000)

/* Inside a transaction: a waiting row goes to those that are gathered under `place`. */
int lj_batches_gather(lj_store *store, int64_t seq, const char *place, int64_t now) LJ_MUST_CHECK;

/* Tells of every place with gathered jobs ("+…") and every sealed batch. Texts are valid during the call. Takes no lock. */
typedef void (*lj_batches_cb)(void *listener, const char *batch, size_t jobs, int64_t gathered_at, const char *remote);
int lj_batches_list(lj_store *store, lj_batches_cb on_batch, void *listener) LJ_MUST_CHECK;

/* Inside a transaction: at most `most` gathered jobs, with data of at most `bytes` together; then they become the batch `mark`. */
int lj_batches_pick(lj_store *store, const char *place, size_t most, size_t bytes, int64_t rows[LJ_MAX_BATCH_JOBS], size_t *count) LJ_MUST_CHECK;
int lj_batches_seal(lj_store *store, const int64_t *rows, size_t count, const char *mark, const char *remote) LJ_MUST_CHECK;
/* Inside a transaction. *changed is false when the rows do not say `before` any more, or none is left. */
int lj_batches_note(lj_store *store, const char *mark, const char *before, const char *remote, bool *changed) LJ_MUST_CHECK;
/* Whether a job of the batch is left. */
int lj_batches_any(lj_store *store, const char *mark, bool *any) LJ_MUST_CHECK;
/* Inside a transaction: the jobs that are left run by calls of their own. */
int lj_batches_leave(lj_store *store, const char *mark) LJ_MUST_CHECK;

/* The jobs that are left in a batch, or the one of rowid `seq` (LJ_SQL_NULL: all), as a claim would give them, but without a token.
 * The callback takes the job over. */
typedef int (*lj_batches_job_cb)(void *listener, lj_job *job);
int lj_batches_jobs(lj_store *store, const char *mark, int64_t seq, lj_batches_job_cb on_job, void *listener) LJ_MUST_CHECK;

/* Inside a transaction: the row becomes active under the job's token. *taken is false when it is not in the batch any more. */
int lj_batches_take(lj_store *store, const lj_job *job, const char *mark, const char *lease_owner, int64_t lease_until, int64_t now,
                    bool *taken) LJ_MUST_CHECK;

#endif
