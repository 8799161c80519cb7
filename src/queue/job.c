/* SPDX-License-Identifier: MIT */
#include "queue/job.h"

#include <string.h>

#include "base/memory.h"

static const char *const status_names[LJ_STATUS_END] = {
    [LJ_STATUS_WAITING] = "waiting",     [LJ_STATUS_DELAYED] = "delayed",     [LJ_STATUS_WAITING_CHILDREN] = "waiting-children",
    [LJ_STATUS_ACTIVE] = "active",       [LJ_STATUS_COMPLETED] = "completed", [LJ_STATUS_FAILED] = "failed",
    [LJ_STATUS_CANCELLED] = "cancelled",
};

const char *lj_status_name(lj_status status) {
  return (unsigned)status < LJ_STATUS_END ? status_names[status] : "unknown";
}

void lj_job_free(lj_job *job) {
  lj_free(job->id);
  lj_free(job->queue);
  lj_free(job->name);
  lj_free(job->model);
  lj_free(job->data);
  lj_free(job->opts);
  lj_free(job->history);
  lj_free(job->supersede_key);
  lj_free(job->remote);
  memset(job, 0, sizeof *job);
}
