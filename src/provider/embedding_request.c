/* SPDX-License-Identifier: MIT */
#include "provider/embedding_request.h"

#include "base/json.h"

bool lj_embedding_is_wanted(const cJSON *request) { return lj_json_get(request, "input") != NULL; }

int lj_embedding_start(lj_wire *wire, const cJSON *request, const char *kind, int max, lj_fault *fault) {
  const cJSON *list = lj_json_array(request, "input");
  int count = list != NULL ? cJSON_GetArraySize(list) : 1;
  if (count > max) {
    return lj_fault_set(fault, LJ_BAD_REQUEST, "input has %d texts, but %s takes at most %d in one request; make several jobs of it",
                        count, kind, max);
  }
  wire->ask = LJ_ASK_EMBEDDINGS;
  wire->inputs = (size_t)count;
  return LJ_OK;
}
