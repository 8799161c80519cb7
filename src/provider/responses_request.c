/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/ascii.h"
#include "base/json.h"
#include "base/limits.h"
#include "provider/embedding_request.h"
#include "provider/responses.h"
#include "provider/wire.h"

enum { LEAST_OUTPUT_TOKENS = 16 };

static int lacks(const char *field, const char *remedy, lj_fault *fault) {
  return lj_fault_set(fault, LJ_BAD_REQUEST, "%s is not supported by OpenAI's Responses API; %s", field, remedy);
}

static int refuse_what_is_lacking(const cJSON *request, lj_fault *fault) {
  static const char chat[] = "leave it out, or set the provider's api to \"chat\"";
  const cJSON *most = lj_json_get(request, "maxTokens");
  if (lj_json_get(request, "stop") != NULL) {
    return lacks("stop", chat, fault);
  }
  if (lj_json_get(request, "seed") != NULL) {
    return lacks("seed", chat, fault);
  }
  if (lj_json_get(lj_json_object(request, "reasoning"), "budgetTokens") != NULL) {
    return lacks("reasoning.budgetTokens", "use reasoning.effort", fault);
  }
  if (most != NULL && most->valuedouble < LEAST_OUTPUT_TOKENS) {
    return lj_fault_set(fault, LJ_BAD_REQUEST, "maxTokens is %.0f, but OpenAI's Responses API takes at least %d",
                        most->valuedouble, LEAST_OUTPUT_TOKENS);
  }
  return LJ_OK;
}

static int add_input(cJSON *body, const cJSON *request, lj_fault *fault) {
  const cJSON *message;
  cJSON *input = cJSON_CreateArray();
  int rc = lj_json_put_value(body, "input", input);
  cJSON_ArrayForEach(message, lj_json_array(request, "messages")) {
    if (rc == LJ_OK) {
      rc = lj_responses_add_message(input, message, fault);
    }
  }
  return rc;
}

/* What is not said would mean strict here, for which most schemas are not made: a job means the same in both forms. */
static int add_tool(cJSON *list, const cJSON *tool) {
  const cJSON *parameters = lj_json_get(tool, "parameters");
  cJSON *made = cJSON_CreateObject();
  int rc = lj_json_push_value(list, made);
  if (rc == LJ_OK) {
    rc = lj_json_refer_string(made, "type", "function");
  }
  if (rc == LJ_OK) {
    rc = lj_json_refer_member(made, "name", tool, "name");
  }
  if (rc == LJ_OK) {
    rc = lj_json_refer_member(made, "description", tool, "description");
  }
  if (rc == LJ_OK) {
    rc = parameters != NULL ? lj_json_refer(made, "parameters", parameters)
                            : lj_json_put_value(made, "parameters", cJSON_CreateNull());
  }
  return rc == LJ_OK ? lj_json_put_bool(made, "strict", lj_json_bool(tool, "strict", false)) : rc;
}

static int add_tool_choice(cJSON *body, const cJSON *choice) {
  cJSON *made;
  int rc;
  if (choice == NULL || !cJSON_IsObject(choice)) {
    return choice != NULL ? lj_json_refer(body, "tool_choice", choice) : LJ_OK;
  }
  made = cJSON_CreateObject();
  rc = lj_json_put_value(body, "tool_choice", made);
  if (rc == LJ_OK) {
    rc = lj_json_refer_string(made, "type", "function");
  }
  return rc == LJ_OK ? lj_json_refer_member(made, "name", choice, "name") : rc;
}

static int add_tools(cJSON *body, const cJSON *request) {
  const cJSON *tools = lj_json_array(request, "tools");
  int rc = lj_wire_list(body, "tools", tools, add_tool);
  if (rc != LJ_OK || cJSON_GetArraySize(tools) == 0) {
    return rc;
  }
  return add_tool_choice(body, lj_json_get(request, "toolChoice"));
}

static int add_text(cJSON *body, const cJSON *request) {
  const cJSON *wanted = lj_json_get(request, "responseFormat");
  bool is_schema = cJSON_IsObject(wanted);
  const char *name = lj_json_string(wanted, "name");
  cJSON *text;
  cJSON *format;
  int rc;
  if (wanted == NULL || (cJSON_IsString(wanted) && strcmp(wanted->valuestring, "text") == 0)) {
    return LJ_OK;
  }
  text = cJSON_CreateObject();
  rc = lj_json_put_value(body, "text", text);
  if (rc != LJ_OK) {
    return rc;
  }
  format = cJSON_CreateObject();
  rc = lj_json_put_value(text, "format", format);
  if (rc == LJ_OK) {
    rc = lj_json_refer_string(format, "type", is_schema ? "json_schema" : "json_object");
  }
  if (rc != LJ_OK || !is_schema) {
    return rc;
  }
  rc = lj_json_refer_string(format, "name", name != NULL ? name : "response");
  if (rc == LJ_OK) {
    rc = lj_json_refer_member(format, "schema", wanted, "schema");
  }
  return rc == LJ_OK ? lj_json_refer_member(format, "strict", wanted, "strict") : rc;
}

static int add_reasoning(cJSON *body, const cJSON *request) {
  const cJSON *effort = lj_json_get(lj_json_object(request, "reasoning"), "effort");
  cJSON *reasoning;
  int rc;
  if (effort == NULL) {
    return LJ_OK;
  }
  reasoning = cJSON_CreateObject();
  rc = lj_json_put_value(body, "reasoning", reasoning);
  return rc == LJ_OK ? lj_json_refer(reasoning, "effort", effort) : rc;
}

static int add_fields(cJSON *body, const char *model, const cJSON *request, lj_fault *fault) {
  static const struct {
    const char *wire;
    const char *request;
  } plain[] = {{"max_output_tokens", "maxTokens"}, {"temperature", "temperature"}, {"top_p", "topP"}};
  size_t at;
  int rc = refuse_what_is_lacking(request, fault);
  if (rc == LJ_OK) {
    rc = lj_json_refer_string(body, "model", model);
  }
  if (rc == LJ_OK) {
    rc = lj_json_refer_member(body, "instructions", request, "system");
  }
  if (rc == LJ_OK) {
    rc = add_input(body, request, fault);
  }
  for (at = 0; rc == LJ_OK && at < sizeof plain / sizeof plain[0]; at++) {
    rc = lj_json_refer_member(body, plain[at].wire, request, plain[at].request);
  }
  if (rc == LJ_OK) {
    rc = add_tools(body, request);
  }
  if (rc == LJ_OK) {
    rc = add_text(body, request);
  }
  if (rc == LJ_OK) {
    rc = add_reasoning(body, request);
  }
  return rc == LJ_OK ? lj_json_put_bool(body, "stream", lj_json_bool(request, "stream", true)) : rc;
}

/* OpenAI keeps answers unless it is told not to, and must keep those that are made in the background. What the job's options say
 * of it stays. */
static int add_store(cJSON *body) {
  return cJSON_HasObjectItem(body, "store") ? LJ_OK : lj_json_put_bool(body, "store", lj_json_bool(body, "background", false));
}

int lj_responses_build(const lj_openai_dialect *dialect, const lj_endpoint *endpoint, const char *model, const cJSON *request,
                       lj_wire *wire, lj_fault *fault) {
  const lj_provider *provider = dialect->provider;
  cJSON *body;
  int rc;
  if (lj_embedding_is_wanted(request)) {
    return lj_openai_build_embeddings(dialect, endpoint, model, request, wire, fault);
  }
  body = cJSON_CreateObject();
  rc = body == NULL ? LJ_NOMEM : add_fields(body, model, request, fault);
  if (rc == LJ_OK) {
    rc = lj_json_refer_member(body, "background", request, "background");
  }
  if (rc == LJ_OK) {
    rc = lj_merge_provider_options(body, request, endpoint, provider->kind, "reasoning text");
  }
  if (rc == LJ_OK) {
    rc = add_store(body);
  }
  if (rc == LJ_OK) {
    rc = lj_wire_start(wire, endpoint, provider->default_base_url, "/responses", lj_json_bool(body, "stream", false),
                       "text/event-stream", fault);
  }
  if (rc == LJ_OK) {
    rc = lj_wire_body(wire, body, fault);
  }
  wire->background = lj_json_bool(body, "background", false);
  cJSON_Delete(body);
  return lj_wire_tell_large(rc, fault);
}

/* The id came from a server and becomes a part of an address. */
static bool is_plain(const char *id) {
  const char *at;
  for (at = id; *at != '\0'; at++) {
    bool known = lj_ascii_is_alphanumeric(*at) || *at == '_' || *at == '-';
    if (!known) {
      return false;
    }
  }
  return at > id;
}

static int path_of(const char *id, const char *rest, lj_buffer *path, lj_fault *fault) {
  if (!is_plain(id)) {
    return lj_fault_set(fault, LJ_PROTOCOL, "The provider gave its answer an id with characters that an address can't carry");
  }
  return lj_buffer_printf(path, "/responses/%s%s", id, rest);
}

int lj_responses_build_fetch(const lj_openai_dialect *dialect, const lj_endpoint *endpoint, const char *id, lj_wire *wire,
                             lj_fault *fault) {
  lj_buffer path;
  int rc;
  lj_buffer_init(&path, 256);
  rc = path_of(id, "", &path, fault);
  if (rc == LJ_OK) {
    rc = lj_wire_start_get(wire, endpoint, dialect->provider->default_base_url, path.data, fault);
  }
  wire->background = true;
  lj_buffer_free(&path);
  return rc;
}

int lj_responses_build_cancel(const lj_openai_dialect *dialect, const lj_endpoint *endpoint, const char *id, lj_wire *wire,
                              lj_fault *fault) {
  lj_buffer path;
  int rc;
  lj_buffer_init(&path, 256);
  rc = path_of(id, "/cancel", &path, fault);
  if (rc == LJ_OK) {
    rc = lj_wire_start(wire, endpoint, dialect->provider->default_base_url, path.data, false, NULL, fault);
  }
  wire->background = true;
  lj_buffer_free(&path);
  return rc;
}
