/* SPDX-License-Identifier: MIT
 *
 * Watches the providers: hears how their calls end, probes them where that says too little, tells worker:provider when a
 * status changes, and restarts what keeps failing. A restart is the configured command for a local server (the process that
 * this engine has started itself is ended first, by its id), and new connections for every provider.
 */
#ifndef LJ_ENGINE_HEALTH_H
#define LJ_ENGINE_HEALTH_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "base/child.h"
#include "engine/config.h"
#include "http/client.h"
#include "policy/health.h"

struct lj_engine;

typedef struct lj_watched {
  struct lj_engine *engine;
  const lj_provider_config *provider;
  lj_health health;
  lj_health_status told;
  lj_call *probe;          /* NULL: none runs */
  lj_wire wire;            /* of the probe */
  int status;              /* of its answer */
  int64_t probed_ms;
  lj_child child;          /* the server that we have started */
  bool started;            /* once, at least */
  bool ending;             /* to be started again when it is gone */
  int64_t force_at_ms;
  bool fresh;              /* connections that are open are not trusted until a call has gone well */
} lj_watched;

/* Makes engine->watched, one for each provider. LJ_OK or LJ_NOMEM. */
int lj_health_open(struct lj_engine *engine) LJ_MUST_CHECK;
/* Ends the servers that were started, within a second or two. */
void lj_health_close(struct lj_engine *engine);

/* A call to the provider has ended with `code` after so long. */
void lj_health_told(struct lj_engine *engine, const lj_provider_config *provider, int code, int64_t took_ms);
/* Whether a call must not use a connection that is open already. */
bool lj_health_fresh(const struct lj_engine *engine, const lj_provider_config *provider);

/* Probes and restarts what is due. */
void lj_health_turn(struct lj_engine *engine, int64_t now_ms);

/* [{provider, status, apiAvailable, responseTimeMs, errorRate, lastCheckedMs, code, server}] for worker:stats; NULL: no memory. */
cJSON *lj_health_json(const struct lj_engine *engine);

#endif
