/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/json.h"
#include "provider/anthropic.h"
#include "provider/wire.h"

static const char VERSION_HEADER[] = "anthropic-version";
static const char DEFAULT_VERSION[] = "2023-06-01";

static bool forbids_sampling(const lj_endpoint *endpoint) {
  const cJSON *configured = cJSON_GetObjectItem(endpoint->headers, VERSION_HEADER); /* whatever its case */
  return cJSON_IsString(configured) && strcmp(configured->valuestring, LJ_ANTHROPIC_NO_SAMPLING) >= 0;
}

static int add_sampling(cJSON *body, const lj_endpoint *endpoint, const cJSON *request, lj_fault *fault) {
  static const struct {
    const char *wire;
    const char *request;
  } fields[] = {{"temperature", "temperature"}, {"top_p", "topP"}};
  size_t at;
  int rc = LJ_OK;
  for (at = 0; rc == LJ_OK && at < sizeof fields / sizeof fields[0]; at++) {
    if (lj_json_get(request, fields[at].request) != NULL && forbids_sampling(endpoint)) {
      return lj_fault_set(fault, LJ_BAD_REQUEST,
                          "%s is not supported by the configured anthropic-version; leave it out, or set the header to %s",
                          fields[at].request, DEFAULT_VERSION);
    }
    rc = lj_json_refer_member(body, fields[at].wire, request, fields[at].request);
  }
  if (rc == LJ_OK && lj_json_number(request, "temperature", 0) > 1) {
    return lj_fault_set(fault, LJ_BAD_REQUEST, "temperature is %g, but anthropic takes no more than 1",
                        lj_json_number(request, "temperature", 0));
  }
  return rc;
}

static int add_tool(cJSON *list, const cJSON *tool) {
  const cJSON *parameters = lj_json_get(tool, "parameters");
  cJSON *made = cJSON_CreateObject();
  cJSON *schema;
  int rc = lj_json_push_value(list, made);
  if (rc == LJ_OK) {
    rc = lj_json_refer_member(made, "name", tool, "name");
  }
  if (rc == LJ_OK) {
    rc = lj_json_refer_member(made, "description", tool, "description");
  }
  if (rc == LJ_OK && parameters != NULL) {
    rc = lj_json_refer(made, "input_schema", parameters);
  } else if (rc == LJ_OK) { /* the API wants one */
    schema = cJSON_CreateObject();
    rc = lj_json_put_value(made, "input_schema", schema);
    if (rc == LJ_OK) {
      rc = lj_json_refer_string(schema, "type", "object");
    }
  }
  return rc == LJ_OK ? lj_json_refer_member(made, "strict", tool, "strict") : rc;
}

static int add_tool_choice(cJSON *body, const cJSON *choice) {
  bool named = cJSON_IsObject(choice);
  cJSON *made;
  int rc;
  if (choice == NULL) {
    return LJ_OK;
  }
  made = cJSON_CreateObject();
  rc = lj_json_put_value(body, "tool_choice", made);
  if (rc == LJ_OK) {
    rc = lj_json_refer_string(made, "type", named                                     ? "tool"
                                            : lj_text_is(choice->valuestring, "required") ? "any"
                                                                                       : choice->valuestring);
  }
  return rc == LJ_OK && named ? lj_json_refer_member(made, "name", choice, "name") : rc;
}

static int add_tools(cJSON *body, const cJSON *request) {
  const cJSON *tools = lj_json_array(request, "tools");
  int rc = lj_wire_list(body, "tools", tools, add_tool);
  if (rc != LJ_OK || cJSON_GetArraySize(tools) == 0) { /* the API refuses a choice without tools */
    return rc;
  }
  return add_tool_choice(body, lj_json_get(request, "toolChoice"));
}

/* A schema is always kept to, so there is nothing to send for `strict`, and it needs no name. */
static int add_response_format(cJSON *body, const cJSON *request, lj_fault *fault) {
  const cJSON *wanted = lj_json_get(request, "responseFormat");
  cJSON *config;
  cJSON *format;
  int rc;
  if (wanted == NULL || (cJSON_IsString(wanted) && lj_text_is(wanted->valuestring, "text"))) {
    return LJ_OK;
  }
  if (!cJSON_IsObject(wanted)) {
    return lj_fault_set(fault, LJ_BAD_REQUEST,
                        "responseFormat \"json\" is not supported by anthropic, which needs a schema; give {schema}");
  }
  config = lj_anthropic_output_config(body);
  if (config == NULL) {
    return LJ_NOMEM;
  }
  format = cJSON_CreateObject();
  rc = lj_json_put_value(config, "format", format);
  if (rc == LJ_OK) {
    rc = lj_json_refer_string(format, "type", "json_schema");
  }
  return rc == LJ_OK ? lj_json_refer_member(format, "schema", wanted, "schema") : rc;
}

static int add_fields(cJSON *body, const lj_endpoint *endpoint, const char *model, const cJSON *request, lj_fault *fault) {
  int rc = lj_json_refer_string(body, "model", model);
  if (rc == LJ_OK) {
    rc = lj_anthropic_add_limits(body, model, request, fault);
  }
  if (rc == LJ_OK) {
    rc = lj_anthropic_add_messages(body, request, forbids_sampling(endpoint), fault);
  }
  if (rc == LJ_OK) {
    rc = add_sampling(body, endpoint, request, fault);
  }
  if (rc == LJ_OK) {
    rc = lj_json_refer_member(body, "stop_sequences", request, "stop");
  }
  if (rc == LJ_OK) {
    rc = add_tools(body, request);
  }
  if (rc == LJ_OK) {
    rc = add_response_format(body, request, fault);
  }
  return rc == LJ_OK ? lj_json_put_bool(body, "stream", lj_json_bool(request, "stream", true)) : rc;
}

/* Never both a key of its own and an Authorization: the API refuses that. */
static lj_endpoint keyed(const lj_endpoint *endpoint) {
  lj_endpoint made = *endpoint;
  made.key_header = "x-api-key";
  if (cJSON_GetObjectItem(endpoint->headers, "Authorization") != NULL) {
    made.api_key = NULL;
  }
  return made;
}

static int add_version(lj_wire *wire, const lj_endpoint *endpoint) {
  return cJSON_GetObjectItem(endpoint->headers, VERSION_HEADER) == NULL ? lj_wire_header(wire, VERSION_HEADER, DEFAULT_VERSION)
                                                                        : LJ_OK;
}

int lj_anthropic_start(const lj_endpoint *endpoint, const char *path, bool post, lj_wire *wire, lj_fault *fault) {
  lj_endpoint made = keyed(endpoint);
  int rc = post ? lj_wire_start(wire, &made, lj_anthropic.default_base_url, path, false, NULL, fault)
                : lj_wire_start_get(wire, &made, lj_anthropic.default_base_url, path, fault);
  return rc == LJ_OK ? add_version(wire, endpoint) : rc;
}

int lj_anthropic_build_models(const lj_endpoint *endpoint, lj_wire *wire, lj_fault *fault) {
  lj_endpoint made = keyed(endpoint);
  int rc = lj_wire_start_get(wire, &made, lj_anthropic.default_base_url, "/v1/models?limit=1000", fault);
  wire->ask = LJ_ASK_MODELS;
  return rc == LJ_OK ? add_version(wire, endpoint) : rc;
}

int lj_anthropic_build(const lj_endpoint *endpoint, const char *model, const cJSON *request, lj_wire *wire, lj_fault *fault) {
  lj_endpoint made = keyed(endpoint);
  cJSON *body = NULL;
  int rc;
  if (lj_json_get(request, "input") != NULL) {
    return lj_fault_set(fault, LJ_BAD_REQUEST,
                        "The job has an input for embeddings, which anthropic does not have; use prompt or messages, or another "
                        "provider");
  }
  if (lj_json_get(request, "seed") != NULL) {
    return lj_fault_set(fault, LJ_BAD_REQUEST, "seed is not supported by anthropic; leave it out");
  }
  body = cJSON_CreateObject();
  rc = body == NULL ? LJ_NOMEM : add_fields(body, endpoint, model, request, fault);
  if (rc == LJ_OK) {
    rc = lj_merge_provider_options(body, request, endpoint, lj_anthropic.kind, "output_config");
  }
  if (rc == LJ_OK) { /* the options may have changed it */
    rc = lj_wire_start(wire, &made, lj_anthropic.default_base_url, "/v1/messages", lj_json_bool(body, "stream", false),
                       "text/event-stream", fault);
  }
  if (rc == LJ_OK) {
    rc = add_version(wire, endpoint);
  }
  if (rc == LJ_OK) {
    rc = lj_wire_body(wire, body, fault);
  }
  cJSON_Delete(body);
  return rc;
}
