/* SPDX-License-Identifier: MIT
 *
 * What others asked of rows that nobody holds, and what time does to them: cancellation by `cancel_requested`, expiry, and
 * parents that want to be looked at.
 */
#ifndef LJ_QUEUE_SWEEP_H
#define LJ_QUEUE_SWEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "queue/follow.h"
#include "queue/store.h"

/* Told of a running job that somebody wants cancelled. Must not touch the store. */
typedef void (*lj_cancel_cb)(void *listener, int64_t seq, const char *token);

/* Takes no lock: tells of running jobs to be cancelled, and says whether lj_sweep has anything to do. */
int lj_sweep_look(lj_store *store, int64_t now, lj_cancel_cb on_cancel, void *listener, bool *needed) LJ_MUST_CHECK;

/* Inside a transaction: sets cancel_requested of the job with this id. *found: there is one that has not ended. LJ_REFUSED: a
 * trigger or a constraint of the app is against it. */
int lj_sweep_request(lj_store *store, const char *id, bool *found) LJ_MUST_CHECK;

/* Inside a transaction. *more: call again in the next one. */
int lj_sweep(lj_follow *follow, bool *more) LJ_MUST_CHECK;

/* Wall time of the next expiry, INT64_MAX when there is none. */
int lj_sweep_next_expiry(lj_store *store, int64_t *expiry) LJ_MUST_CHECK;

/* Whether a newer job with this supersede_key wants the one with `seq` aborted. */
int lj_sweep_superseded(lj_store *store, const char *key, int64_t seq, bool *superseded) LJ_MUST_CHECK;

#endif
