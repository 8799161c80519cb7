/* SPDX-License-Identifier: MIT
 *
 * Reading a list of models, which all formats write alike.
 */
#ifndef LJ_PROVIDER_MODELS_H
#define LJ_PROVIDER_MODELS_H

#include <cjson/cJSON.h>

#include "base/fault.h"

/* For lj_provider.read_models: `list` is the member that holds the array of objects (or the body is that array), `field` the
 * member with the name, `prefix` what is cut off in front of a name, NULL for nothing. Names beyond LJ_MAX_MODELS are left
 * out. */
int lj_models_read(const cJSON *body, const char *list, const char *field, const char *prefix, cJSON *names,
                   lj_fault *fault) LJ_MUST_CHECK;

#endif
