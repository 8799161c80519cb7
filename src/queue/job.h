/* SPDX-License-Identifier: MIT
 *
 * A row of llm_jobs as the engine holds it while it runs the job.
 */
#ifndef LJ_QUEUE_JOB_H
#define LJ_QUEUE_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/result.h"

typedef enum lj_status {
  LJ_STATUS_WAITING,          /* may be claimed */
  LJ_STATUS_DELAYED,          /* not before run_at */
  LJ_STATUS_WAITING_CHILDREN, /* not before its children have ended */
  LJ_STATUS_ACTIVE,           /* held by the lease_owner until lease_until */
  LJ_STATUS_COMPLETED,        /* the answer is in result */
  LJ_STATUS_FAILED,           /* the reason is in error */
  LJ_STATUS_CANCELLED,
  LJ_STATUS_END               /* not a status: one past the last */
} lj_status;

/* "waiting", … as in the column. If you add a status, add its name to the array behind this. */
const char *lj_status_name(lj_status status);

#define LJ_TOKEN_SIZE 33 /* 32 hexadecimal digits and a NUL */

typedef struct lj_job {
  int64_t seq;
  char *id;
  char *queue;
  char *name;
  char *model;        /* NULL: the job type's */
  char *data;
  char *opts;         /* NULL: none */
  char *history;      /* NULL: none yet */
  int64_t attempts;   /* this try included */
  int64_t max_attempts;
  int64_t created_at; /* 0 when the row has none */
  int64_t run_at;     /* 0: none */
  char *supersede_key; /* NULL: none */
  char *remote;       /* what an earlier run has left at the provider, JSON; NULL: nothing */
  bool has_children;
  bool has_parent;
  char token[LJ_TOKEN_SIZE];
} lj_job;

void lj_job_free(lj_job *job);

#endif
