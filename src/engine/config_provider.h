/* SPDX-License-Identifier: MIT
 *
 * One entry of the configuration's `providers`: its keys, their defaults and what is wrong with them. For config.c only.
 */
#ifndef LJ_ENGINE_CONFIG_PROVIDER_H
#define LJ_ENGINE_CONFIG_PROVIDER_H

#include "engine/config.h"

/* Adds the entry to config->providers, which has room. The entry is the configuration's from the first moment on, also when
 * this fails. LJ_OK, LJ_NOMEM, or LJ_BAD_CONFIG with the key's path in `fault`. */
int lj_config_provider_parse(lj_config *config, const cJSON *source, lj_fault *fault) LJ_MUST_CHECK;
/* config_health.c: the keys health and command; `local`: the provider is on this machine. */
int lj_config_health_parse(const cJSON *source, const char *path, bool local, lj_provider_config *provider,
                           lj_fault *fault) LJ_MUST_CHECK;
/* config_limits.c: breaker, limits per minute, prices and budgets of an entry whose fields have been checked. LJ_OK or
 * LJ_BAD_CONFIG. */
int lj_config_limits_parse(const cJSON *source, const char *path, lj_provider_config *provider, lj_fault *fault) LJ_MUST_CHECK;
void lj_config_provider_free(lj_provider_config *provider);

#endif
