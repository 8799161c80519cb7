/* SPDX-License-Identifier: MIT
 *
 * POST /embeddings. OpenAI is asked for base64, a quarter of the bytes of numbers; of other servers nobody knows whether they
 * heed that, and either form is read from all.
 */
#include <string.h>

#include "base/json.h"
#include "provider/embedding_read.h"
#include "provider/embedding_request.h"
#include "provider/error.h"
#include "provider/openai.h"
#include "provider/wire.h"

static int add_fields(const lj_openai_dialect *dialect, cJSON *body, const char *model, const cJSON *request) {
  int rc = lj_json_refer_string(body, "model", model);
  if (rc == LJ_OK) {
    rc = lj_json_refer_member(body, "input", request, "input");
  }
  return rc == LJ_OK && dialect->embeddings == LJ_OPENAI_EMBEDDINGS_BASE64
             ? lj_json_refer_string(body, "encoding_format", "base64")
             : rc;
}

int lj_openai_build_embeddings(const lj_openai_dialect *dialect, const lj_endpoint *endpoint, const char *model,
                               const cJSON *request, lj_wire *wire, lj_fault *fault) {
  const lj_provider *provider = dialect->provider;
  cJSON *body = NULL;
  int rc;
  if (dialect->embeddings == LJ_OPENAI_EMBEDDINGS_NONE) {
    return lj_fault_set(fault, LJ_BAD_REQUEST, "input is for embeddings, which %s does not have; use another provider's model",
                        provider->kind);
  }
  rc = lj_embedding_start(wire, request, provider->kind, LJ_MAX_INPUTS, fault);
  if (rc != LJ_OK) {
    return rc;
  }
  body = cJSON_CreateObject();
  rc = body == NULL ? LJ_NOMEM : add_fields(dialect, body, model, request);
  if (rc == LJ_OK) {
    rc = lj_merge_provider_options(body, request, endpoint, provider->kind, NULL);
  }
  if (rc == LJ_OK) {
    rc = lj_wire_start(wire, endpoint, provider->default_base_url, "/embeddings", false, NULL, fault);
  }
  if (rc == LJ_OK) {
    rc = lj_wire_body(wire, body, fault);
  }
  cJSON_Delete(body);
  return rc;
}

int lj_openai_read_embeddings(lj_reading *reading, const cJSON *body) {
  const cJSON *list = lj_json_array(body, "data");
  const char *model = lj_json_string(body, "model");
  const cJSON *entry;
  lj_provider_error error;
  int rc;
  if (lj_error_find(body, list == NULL, &error)) {
    return lj_error_report(&error, &reading->fault);
  }
  if (list == NULL) {
    return lj_fault_set(&reading->fault, LJ_PROTOCOL, "The provider's answer has no data; is baseUrl that of an embeddings API?");
  }
  rc = lj_read_embeddings_begin(reading);
  cJSON_ArrayForEach(entry, list) {
    if (rc == LJ_OK) {
      rc = lj_read_embedding(reading, lj_json_int(entry, "index", LJ_UNKNOWN), lj_json_get(entry, "embedding"));
    }
  }
  if (rc != LJ_OK) {
    return rc;
  }
  if (model != NULL) {
    lj_text_copy(reading->answer->model, sizeof reading->answer->model, model, strlen(model));
  }
  lj_openai_read_usage(&reading->answer->usage, lj_json_object(body, "usage"));
  return lj_read_embeddings_end(reading);
}
