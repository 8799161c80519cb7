/* SPDX-License-Identifier: MIT
 *
 * worker:loadModel: models that are loaded ahead of the jobs that need them (provider/load.h says how), by the engine's own client
 * and beside the jobs. Each has one call under way, or waits for its next step; its message is answered at its end.
 */
#ifndef LJ_ENGINE_LOADS_H
#define LJ_ENGINE_LOADS_H

#include <stddef.h>
#include <stdint.h>

#include "engine/config.h"
#include "http/client.h"
#include "provider/load.h"
#include "provider/provider.h"

struct lj_engine;

typedef struct lj_loading {
  struct lj_loading *next;
  struct lj_engine *engine;
  const lj_provider_config *provider;
  char *answer;       /* id of the message; NULL: nobody waits for an answer */
  char *model;
  lj_load load;
  int64_t begun_ms;
  int64_t until_ms;   /* the provider's timeouts.totalMs */
  int64_t step_at_ms; /* of the next request, when none is under way */
  lj_wire wire;
  lj_call *call;
  lj_head head;
  lj_buffer body;
  bool over;          /* answered */
} lj_loading;

typedef struct lj_loads {
  lj_loading *first;
  size_t count;
} lj_loads;

/* Steps whose time has come. */
void lj_loads_turn(struct lj_engine *engine, int64_t now_ms);
int64_t lj_loads_next(const struct lj_engine *engine);
/* Before the engine's client goes. */
void lj_loads_close(struct lj_engine *engine);

#endif
