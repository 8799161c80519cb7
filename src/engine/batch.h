/* SPDX-License-Identifier: MIT
 *
 * Jobs with opts.batch, handed to their provider many at a time. What the table says of them is batches.h, what the APIs want
 * batch.h of provider/. Each step is noted in the rows before the next one is taken, so that any worker can go on:
 *
 *   gathered ─seal─► creating ─(upload, create)─► created ─(poll …)─► results: each job ends as after a call of its own
 *
 * A worker that finds a batch `creating` looks for it at the provider before it creates it. A batch belongs to the worker that its
 * rows name until that one has died or its time is over.
 */
#ifndef LJ_ENGINE_BATCH_H
#define LJ_ENGINE_BATCH_H

#include <stdint.h>

#include "engine/config.h"

struct lj_engine;

typedef struct lj_batch lj_batch;

typedef struct lj_batches {
  lj_batch *first;
  size_t count;
  int64_t look_at_ms; /* monotonic; when the table is to be asked again */
  bool told;          /* the log says that jobs with opts.batch run as any other */
  char place[272];    /* what lj_batch_gathers has returned */
} lj_batches;

/* gathers of lj_claim_source. */
const char *lj_batch_gathers(void *engine, const char *model, const char *name);
/* Takes the steps whose time has come. The store is open. */
void lj_batch_turn(struct lj_engine *engine, int64_t now_ms);
int64_t lj_batch_next(const struct lj_engine *engine);
/* Aborts what is under way; the rows say how far it has come. */
void lj_batch_close(struct lj_engine *engine);

/* config_batch.c: a provider's `batch`. */
int lj_config_batch_parse(const cJSON *source, const char *path, lj_provider_config *provider, lj_fault *fault) LJ_MUST_CHECK;

#endif
