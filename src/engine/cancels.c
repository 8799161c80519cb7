/* SPDX-License-Identifier: MIT */
#include "engine/cancels.h"

#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "engine/state.h"
#include "queue/sweep.h"

enum { MAX_WRITTEN = 64 /* in one transaction */ };

static void cancel_free(lj_cancel *cancel) {
  if (cancel == NULL) return;
  lj_free(cancel->job);
  lj_free(cancel->answer);
  lj_free(cancel);
}

static lj_run *find_call(const lj_engine *engine, const char *job) {
  for (lj_run *run = engine->calling.first; run != NULL; run = run->next)
    if (strcmp(run->job.id, job) == 0) return run;
  return NULL;
}

int lj_cancels_add(lj_engine *engine, const char *job, const char *answer) {
  lj_cancels *cancels = &engine->cancels;
  if (cancels->count >= LJ_MAX_CANCELS) return LJ_BUSY;
  lj_cancel *cancel = lj_calloc(1, sizeof *cancel);
  if (cancel == NULL) return LJ_NOMEM;
  cancel->job = lj_strdup(job);
  if (answer != NULL) cancel->answer = lj_strdup(answer);
  if (cancel->job == NULL || (answer != NULL && cancel->answer == NULL)) {
    cancel_free(cancel);
    return LJ_NOMEM;
  }
  lj_run *run = find_call(engine, job);
  if (run != NULL) {
    cancel->aborted = true;
    lj_run_cancel(run, LJ_CANCELLED, "cancelled while it ran");
  }
  if (cancels->last != NULL)
    cancels->last->next = cancel;
  else
    cancels->first = cancel;
  cancels->last = cancel;
  cancels->count++;
  return LJ_OK;
}

int lj_cancels_write(lj_engine *engine) {
  int code = LJ_OK;
  engine->cancels.written = 0;
  for (lj_cancel *cancel = engine->cancels.first; cancel != NULL && engine->cancels.written < MAX_WRITTEN; cancel = cancel->next) {
    code = lj_sweep_request(engine->store, cancel->job, &cancel->found);
    if (code != LJ_OK && code != LJ_REFUSED) return code;
    cancel->code = code;
    engine->cancels.written++;
  }
  return LJ_OK;
}

static void answer(lj_engine *engine, const lj_cancel *cancel) {
  if (cancel->answer == NULL) return;
  if (cancel->code != LJ_OK) {
    lj_outbox_refuse(&engine->outbox, cancel->answer, "worker:cancel", cancel->code,
                     "a trigger or a constraint of the app keeps the row from being marked");
    return;
  }
  cJSON *payload = cJSON_CreateObject();
  if (payload != NULL && lj_json_put_bool(payload, "cancelled", cancel->aborted || cancel->found) != LJ_OK) {
    cJSON_Delete(payload);
    payload = NULL;
  }
  lj_outbox_post(&engine->outbox, cancel->answer, "worker:cancel", payload);
}

void lj_cancels_answer(lj_engine *engine) {
  lj_cancels *cancels = &engine->cancels;
  for (; cancels->written > 0; cancels->written--) {
    lj_cancel *cancel = cancels->first;
    /* The mark asks for the rest: an idle job ends in the next transaction, one that another worker runs when that one looks. */
    if (cancel->found) engine->sweep = true;
    answer(engine, cancel);
    cancels->first = cancel->next;
    if (cancels->first == NULL) cancels->last = NULL;
    cancels->count--;
    cancel_free(cancel);
  }
}

void lj_cancels_free(lj_cancels *cancels) {
  for (lj_cancel *cancel = cancels->first, *next; cancel != NULL; cancel = next) {
    next = cancel->next;
    cancel_free(cancel);
  }
  *cancels = (lj_cancels){0};
}
