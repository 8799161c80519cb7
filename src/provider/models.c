/* SPDX-License-Identifier: MIT */
#include "provider/models.h"

#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "provider/error.h"

static const char *without(const char *name, const char *prefix) {
  size_t length = prefix != NULL ? strlen(prefix) : 0;
  return length > 0 && strncmp(name, prefix, length) == 0 ? name + length : name;
}

int lj_models_read(const cJSON *body, const char *list, const char *field, const char *prefix, cJSON *names,
                   lj_fault *fault) {
  const cJSON *models = cJSON_IsArray(body) ? body : lj_json_array(body, list);
  const cJSON *model;
  lj_provider_error error;
  int count = cJSON_GetArraySize(names);
  int rc = LJ_OK;
  if (lj_error_find(body, models == NULL, &error)) {
    return lj_error_report(&error, fault);
  }
  if (models == NULL) {
    return lj_fault_set(fault, LJ_PROTOCOL, "The provider's list of models has no %s; is baseUrl that of a model API?", list);
  }
  cJSON_ArrayForEach(model, models) {
    const char *name = lj_json_string(model, field);
    if (rc == LJ_OK && name != NULL && name[0] != '\0' && count < LJ_MAX_MODELS) {
      rc = lj_json_push_value(names, cJSON_CreateString(without(name, prefix)));
      count++;
    }
  }
  return rc;
}
