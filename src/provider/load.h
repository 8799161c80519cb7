/* SPDX-License-Identifier: MIT
 *
 * Loading a model into the memory of a server of one's own, ahead of the first job that needs it. Ollama does it in one request,
 * which answers when it is done. llama-server as a router is told to load, and asked until it has; with a model of its own it is
 * asked until it is ready. As provider.h this builds requests and reads answers, and does neither input nor output.
 *
 *   generate ─► done                      load ─► router ─► done
 *      └─► embed ─► done                   └──► health ─► list ─► done
 */
#ifndef LJ_PROVIDER_LOAD_H
#define LJ_PROVIDER_LOAD_H

#include "provider/provider.h"

typedef enum lj_load_step {
  LJ_LOAD_GENERATE, /* Ollama */
  LJ_LOAD_EMBED,    /* Ollama, of a model that only makes vectors */
  LJ_LOAD_LOAD,     /* llama-server: the router's own request, which other servers do not know */
  LJ_LOAD_ROUTER,   /* how far the router has come */
  LJ_LOAD_CHECK,    /* the same, after it refused: the model may be there already */
  LJ_LOAD_HEALTH,   /* whether a server has loaded the model that it was started with */
  LJ_LOAD_LIST      /* whether it is the one that is wanted */
} lj_load_step;

typedef enum lj_load_state {
  LJ_LOAD_GOES_ON, /* with `next`, after `wait_ms` */
  LJ_LOAD_DONE,    /* it is in memory … */
  LJ_LOAD_GONE,    /* … or, with a keep_alive of 0, not any more */
  LJ_LOAD_FAILED   /* the fault says why */
} lj_load_state;

typedef struct lj_load {
  const lj_provider *format;
  const char *model;
  int64_t keep_alive_ms; /* LJ_LOAD_DEFAULT: the server's own; negative: for ever; 0: out of memory at once. Ollama only */
  lj_load_step step;
} lj_load;

#define LJ_LOAD_DEFAULT INT64_MIN

/* False: models of this kind of provider are not loaded by requests. Sets the first step otherwise. */
bool lj_load_begin(lj_load *load);
/* The request of this step. As build of lj_provider. */
int lj_load_build(const lj_load *load, const lj_endpoint *endpoint, lj_wire *wire, lj_fault *fault) LJ_MUST_CHECK;
/* What its answer means: `body` is its JSON or NULL, `raw` its bytes. Sets load->step to the next one. */
lj_load_state lj_load_read(lj_load *load, const lj_head *head, const cJSON *body, const char *raw, size_t length, int64_t *wait_ms,
                           lj_fault *fault);

#endif
