/* SPDX-License-Identifier: MIT
 *
 * POST :batchEmbedContents, for one text too: one form for all. A list in one :embedContent would become one vector.
 */
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "provider/embedding_read.h"
#include "provider/embedding_request.h"
#include "provider/error.h"
#include "provider/gemini.h"
#include "provider/wire.h"

/* "at most 100 requests can be in one batch" */
enum { MAX_REQUESTS = 100 };

static int put_content(cJSON *entry, const char *text) {
  cJSON *content = cJSON_CreateObject();
  cJSON *parts;
  int rc = lj_json_put_value(entry, "content", content);
  if (rc == LJ_OK) {
    rc = lj_json_refer_string(content, "role", "user");
  }
  if (rc != LJ_OK) {
    return rc;
  }
  parts = cJSON_CreateArray();
  rc = lj_json_put_value(content, "parts", parts);
  return rc == LJ_OK ? lj_gemini_push_text(parts, text) : rc;
}

/* Each request is whole by itself: the options, such as taskType and outputDimensionality, go into each. */
static int push_request(cJSON *requests, const lj_endpoint *endpoint, const char *model, const cJSON *request, const char *text) {
  cJSON *entry = cJSON_CreateObject();
  int rc = lj_json_push_value(requests, entry);
  if (rc == LJ_OK) {
    rc = lj_json_refer_string(entry, "model", model);
  }
  if (rc == LJ_OK) {
    rc = put_content(entry, text);
  }
  return rc == LJ_OK ? lj_merge_provider_options(entry, request, endpoint, lj_gemini.kind, NULL) : rc;
}

static int put_requests(cJSON *body, const lj_endpoint *endpoint, const char *model, const cJSON *request) {
  const cJSON *input = lj_json_get(request, "input");
  const cJSON *text;
  cJSON *requests = cJSON_CreateArray();
  int rc = lj_json_put_value(body, "requests", requests);
  if (rc == LJ_OK && cJSON_IsString(input)) {
    return push_request(requests, endpoint, model, request, input->valuestring);
  }
  cJSON_ArrayForEach(text, input) {
    if (rc == LJ_OK) {
      rc = push_request(requests, endpoint, model, request, text->valuestring);
    }
  }
  return rc;
}

int lj_gemini_build_embeddings(const lj_endpoint *endpoint, const char *model, const cJSON *request, lj_wire *wire,
                               lj_fault *fault) {
  lj_buffer name; /* the requests refer to it */
  cJSON *body = cJSON_CreateObject();
  int rc = body == NULL ? LJ_NOMEM : lj_embedding_start(wire, request, lj_gemini.kind, MAX_REQUESTS, fault);
  lj_buffer_init(&name, LJ_MAX_REQUEST_BYTES);
  if (rc == LJ_OK) {
    rc = lj_gemini_append_model(&name, model);
  }
  if (rc == LJ_OK) {
    rc = put_requests(body, endpoint, name.data, request);
  }
  if (rc == LJ_OK) {
    rc = lj_gemini_start(wire, endpoint, model, ":batchEmbedContents", false, fault);
  }
  if (rc == LJ_OK) {
    rc = lj_wire_body(wire, body, fault);
  }
  cJSON_Delete(body);
  lj_buffer_free(&name);
  return rc;
}

/* The vectors stand in the order of the requests. */
int lj_gemini_read_embeddings(lj_reading *reading, const cJSON *body) {
  const cJSON *list = lj_json_array(body, "embeddings");
  const cJSON *entry;
  lj_provider_error error;
  int64_t index = 0;
  int64_t tokens = lj_json_int(lj_json_object(body, "usageMetadata"), "promptTokenCount", LJ_UNKNOWN);
  int rc;
  if (lj_error_find(body, list == NULL, &error)) {
    return lj_error_report(&error, &reading->fault);
  }
  if (list == NULL) {
    return lj_fault_set(&reading->fault, LJ_PROTOCOL,
                        "The provider's answer has no embeddings; is baseUrl that of the Gemini API, with its version?");
  }
  rc = lj_read_embeddings_begin(reading);
  cJSON_ArrayForEach(entry, list) {
    if (rc == LJ_OK) {
      rc = lj_read_embedding(reading, index++, lj_json_get(entry, "values"));
    }
  }
  if (rc != LJ_OK) {
    return rc;
  }
  if (tokens >= 0) {
    reading->answer->usage.input_tokens = tokens;
  }
  return lj_read_embeddings_end(reading);
}
