/* SPDX-License-Identifier: MIT
 *
 * Leases: renewing our own, and taking back what a dead worker held.
 *
 * A lease owner is `workerId@host:pid:start`. At start, jobs of an owner with the same workerId and host whose process is
 * gone come back at once; everything else comes back when its lease has run out. The process id makes it safe to start
 * several workers under one workerId: nobody takes from a process that lives.
 */
#ifndef LJ_QUEUE_RECOVERY_H
#define LJ_QUEUE_RECOVERY_H

#include <stddef.h>
#include <stdint.h>

#include "queue/follow.h"
#include "queue/job.h"
#include "queue/store.h"

#define LJ_OWNER_SIZE 256

/* Fills `out` with this process's owner text for `worker_id`. LJ_OK, or LJ_IO when the system gives no random bytes. */
int lj_owner_make(const char *worker_id, char out[LJ_OWNER_SIZE]) LJ_MUST_CHECK;

/* Whether `theirs` is a worker of the same workerId and host as `ours` whose process has ended. */
bool lj_owner_is_gone(const char *ours, const char *theirs);

/* Told of every job that came back or failed with STALLED. */
typedef void (*lj_recovered_cb)(void *listener, const char *id, const char *name, lj_status status, int64_t attempts);

typedef struct lj_recovery {
  const char *owner;    /* ours */
  int64_t now;          /* wall clock */
  int64_t max_stalls;
  lj_follow *follow;    /* for what follows from a job that fails here */
  lj_recovered_cb on_recovered;
  void *listener;
} lj_recovery;

/* Inside a transaction, at start. */
int lj_recover_predecessors(lj_store *store, const lj_recovery *recovery) LJ_MUST_CHECK;
/* Inside a transaction: jobs whose lease has run out, and active rows that nobody leased. */
int lj_recover_expired(lj_store *store, const lj_recovery *recovery) LJ_MUST_CHECK;

/* Whether lj_recover_expired would find anything. Takes no lock. */
int lj_recovery_needed(lj_store *store, int64_t now, bool *needed) LJ_MUST_CHECK;

/* Inside a transaction: moves all our leases to `until`; *held is how many there are. */
int lj_renew(lj_store *store, const char *owner, int64_t until, size_t *held) LJ_MUST_CHECK;

/* Told of every row that we hold. */
typedef void (*lj_held_cb)(void *listener, int64_t seq, const char *token);
int lj_list_held(lj_store *store, const char *owner, lj_held_cb on_held, void *listener) LJ_MUST_CHECK;

#endif
