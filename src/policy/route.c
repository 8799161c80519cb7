/* SPDX-License-Identifier: MIT */
#include "policy/route.h"

#include <string.h>

#include "base/json.h"

int lj_route_find(const lj_config *config, const char *model, const char *name, lj_route *route, lj_fault *fault) {
  route->count = 0;
  route->targets = route->own;
  if (!config->allows_llm)
    return lj_fault_set(fault, LJ_POLICY_DENIED, "allowedAPIs of the configuration has no \"llm\": this worker calls no provider");
  if (model == NULL) model = lj_json_string(lj_json_object(config->types, name), "model");
  if (model == NULL)
    return lj_fault_set(fault, LJ_BAD_JOB,
                        "the job has no model, and types.%.60s.model of the configuration does not name one", name);
  if (lj_content_lists(config->refused_models, model))
    return lj_fault_set(fault, LJ_MODEL_NOT_ALLOWED, "model \"%.100s\" is in refusedModels of the configuration", model);
  if (config->allowed_models != NULL && !lj_content_lists(config->allowed_models, model))
    return lj_fault_set(fault, LJ_MODEL_NOT_ALLOWED, "model \"%.100s\" is not in allowedModels of the configuration", model);
  for (size_t i = 0; i < config->alias_count; i++)
    if (strcmp(config->aliases[i].name, model) == 0) {
      route->targets = config->aliases[i].targets;
      route->count = config->aliases[i].count;
      return LJ_OK;
    }
  lj_target target;
  int code = lj_config_target(config, model, &target, fault);
  if (code == LJ_OK) route->count = lj_config_spread(&target, route->own, LJ_MAX_KEYS);
  return code;
}
