/* SPDX-License-Identifier: MIT
 *
 * From a job's model (or its type's) to the targets that may serve it, in the order in which they are tried.
 */
#ifndef LJ_POLICY_ROUTE_H
#define LJ_POLICY_ROUTE_H

#include "engine/config.h"

typedef struct lj_route {
  const lj_target *targets;
  size_t count;
  lj_target own[LJ_MAX_KEYS]; /* where targets points when the model is no alias */
} lj_route;

/* `model` may be NULL: then the job type `name` says it. The route borrows from the configuration and from `model`, and must
 * not be copied (targets may point into it). LJ_OK, LJ_BAD_JOB (no model), LJ_NO_PROVIDER or LJ_MODEL_NOT_ALLOWED. */
int lj_route_find(const lj_config *config, const char *model, const char *name, lj_route *route, lj_fault *fault) LJ_MUST_CHECK;

#endif
