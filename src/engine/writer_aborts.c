/* SPDX-License-Identifier: MIT
 *
 * Calls that run on though their rows say that they should not: somebody wants the job cancelled, a newer job takes its place, or
 * somebody else holds it.
 */
#include <string.h>

#include "engine/writer.h"
#include "queue/sweep.h"

/* Somebody wants a running job cancelled: its call is aborted at once, the row follows with the next transaction. */
void lj_writer_on_cancel(void *listener, int64_t seq, const char *token) {
  lj_engine *engine = listener;
  (void)seq; /* VACUUM may have changed it; the token is unique */
  for (lj_run *run = engine->calling.first; run != NULL; run = run->next)
    if (strcmp(run->job.token, token) == 0) {
      run->cancelled = true;
      return;
    }
}

int lj_writer_cancel_running(lj_engine *engine) {
  int code = LJ_OK;
  for (lj_run *run = engine->calling.first, *next; code == LJ_OK && run != NULL; run = next) {
    bool superseded = false;
    next = run->next;
    if (run->job.supersede_key != NULL)
      code = lj_sweep_superseded(engine->store, run->job.supersede_key, run->job.seq, &superseded);
    if (code == LJ_OK && superseded)
      lj_run_cancel(run, LJ_SUPERSEDED, "a newer job with its supersede_key has aborted it");
    else if (code == LJ_OK && run->cancelled)
      lj_run_cancel(run, LJ_CANCELLED, "cancelled while it ran");
  }
  return code;
}

typedef struct held_check {
  lj_engine *engine;
  lj_run_list kept;
} held_check;

static void on_held(void *listener, int64_t seq, const char *token) {
  held_check *check = listener;
  for (lj_run *run = check->engine->calling.first; run != NULL; run = run->next)
    if (strcmp(run->job.token, token) == 0) {
      run->job.seq = seq;
      lj_run_list_remove(&check->engine->calling, run);
      lj_run_list_add(&check->kept, run);
      return;
    }
}

void lj_writer_drop_lost(lj_engine *engine) {
  held_check check = {.engine = engine};
  int code = lj_list_held(engine->store, engine->lease_owner, on_held, &check);
  if (code == LJ_OK) {
    while (engine->calling.first != NULL) {
      lj_run *run = engine->calling.first;
      engine->counters.stale++;
      lj_log_write(&engine->log, LJ_LOG_WARN, "job %s: the lease was lost, its call is aborted", run->job.id);
      lj_run_list_remove(&engine->calling, run);
      lj_run_free(run);
    }
  }
  while (check.kept.first != NULL) {
    lj_run *run = check.kept.first;
    lj_run_list_remove(&check.kept, run);
    lj_run_list_add(&engine->calling, run);
  }
}
