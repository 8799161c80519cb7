/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "provider/embedding_request.h"
#include "provider/gemini.h"
#include "provider/wire.h"

enum { MAX_STOPS = 5 };

/* The API's whole numbers have 32 bits. */
static int check_number(const cJSON *object, const char *key, const char *where, lj_fault *fault) {
  double number = lj_json_number(object, key, 0);
  if (number >= -2147483648.0 && number <= 2147483647.0) {
    return LJ_OK;
  }
  return lj_fault_set(fault, LJ_BAD_REQUEST, "%s is %.17g, but gemini takes whole numbers from -2147483648 to 2147483647", where,
                      number);
}

static int add_declaration(cJSON *list, const cJSON *tool) {
  cJSON *made = cJSON_CreateObject();
  int rc = lj_json_push_value(list, made);
  if (rc == LJ_OK) {
    rc = lj_json_refer_member(made, "name", tool, "name");
  }
  if (rc == LJ_OK) {
    rc = lj_json_refer_member(made, "description", tool, "description");
  }
  /* Not `parameters`, which is another language of schemas. */
  return rc == LJ_OK ? lj_json_refer_member(made, "parametersJsonSchema", tool, "parameters") : rc;
}

static int add_tools(cJSON *body, const cJSON *tools) {
  const cJSON *tool;
  cJSON *list = cJSON_CreateArray();
  cJSON *entry;
  cJSON *declarations;
  int rc = lj_json_put_value(body, "tools", list);
  if (rc != LJ_OK) {
    return rc;
  }
  entry = cJSON_CreateObject();
  rc = lj_json_push_value(list, entry);
  if (rc != LJ_OK) {
    return rc;
  }
  declarations = cJSON_CreateArray();
  rc = lj_json_put_value(entry, "functionDeclarations", declarations);
  cJSON_ArrayForEach(tool, tools) {
    if (rc == LJ_OK) {
      rc = add_declaration(declarations, tool);
    }
  }
  return rc;
}

static bool any_strict(const cJSON *tools) {
  const cJSON *tool;
  cJSON_ArrayForEach(tool, tools) {
    if (lj_json_bool(tool, "strict", false)) {
      return true;
    }
  }
  return false;
}

/* VALIDATED is AUTO with calls that keep to their schema; ANY keeps them to it anyway. NULL: nothing needs to be said. */
static const char *mode_of(const cJSON *choice, const cJSON *tools) {
  const char *word = cJSON_IsString(choice) ? choice->valuestring : NULL;
  if (lj_text_is(word, "none")) {
    return "NONE";
  }
  if (lj_text_is(word, "required") || cJSON_IsObject(choice)) {
    return "ANY";
  }
  if (any_strict(tools)) {
    return "VALIDATED";
  }
  return word != NULL ? "AUTO" : NULL;
}

static int add_allowed(cJSON *config, const cJSON *choice) {
  const char *name = lj_json_string(choice, "name");
  cJSON *names;
  int rc;
  if (name == NULL) {
    return LJ_OK;
  }
  names = cJSON_CreateArray();
  rc = lj_json_put_value(config, "allowedFunctionNames", names);
  return rc == LJ_OK ? lj_json_push_value(names, cJSON_CreateStringReference(name)) : rc;
}

static int add_tool_config(cJSON *body, const cJSON *choice, const char *mode) {
  cJSON *outer = cJSON_CreateObject();
  cJSON *config;
  int rc = lj_json_put_value(body, "toolConfig", outer);
  if (rc != LJ_OK) {
    return rc;
  }
  config = cJSON_CreateObject();
  rc = lj_json_put_value(outer, "functionCallingConfig", config);
  if (rc == LJ_OK) {
    rc = lj_json_refer_string(config, "mode", mode);
  }
  return rc == LJ_OK ? add_allowed(config, choice) : rc;
}

static int add_tooling(cJSON *body, const cJSON *request) {
  const cJSON *tools = lj_json_array(request, "tools");
  const cJSON *choice = lj_json_get(request, "toolChoice");
  const char *mode = mode_of(choice, tools);
  int rc;
  if (tools == NULL || tools->child == NULL) { /* a choice among no tools means nothing */
    return LJ_OK;
  }
  rc = add_tools(body, tools);
  return rc == LJ_OK && mode != NULL ? add_tool_config(body, choice, mode) : rc;
}

static int add_stop(cJSON *config, const cJSON *request, lj_fault *fault) {
  int count = cJSON_GetArraySize(lj_json_array(request, "stop"));
  if (count > MAX_STOPS) {
    return lj_fault_set(fault, LJ_BAD_REQUEST, "stop has %d entries, but gemini takes at most %d", count, MAX_STOPS);
  }
  return lj_json_refer_member(config, "stopSequences", request, "stop");
}

/* The schema's `name` is a label for which the API has no place, and `strict` is what it always is. */
static int add_format(cJSON *config, const cJSON *request) {
  const cJSON *format = lj_json_get(request, "responseFormat");
  int rc;
  if (format == NULL || (cJSON_IsString(format) && lj_text_is(format->valuestring, "text"))) {
    return LJ_OK;
  }
  rc = lj_json_refer_string(config, "responseMimeType", "application/json");
  return rc == LJ_OK && cJSON_IsObject(format) ? lj_json_refer_member(config, "responseJsonSchema", format, "schema") : rc;
}

/* The API knows four levels, and a budget of no tokens for no thinking at all. */
static int add_effort(cJSON *thinking, const char *effort) {
  static const struct {
    const char *effort;
    const char *level;
  } levels[] = {
      {"minimal", "MINIMAL"}, {"low", "LOW"}, {"medium", "MEDIUM"}, {"high", "HIGH"}, {"xhigh", "HIGH"}, {"max", "HIGH"},
  };
  size_t at;
  for (at = 0; at < sizeof levels / sizeof levels[0]; at++) {
    if (strcmp(levels[at].effort, effort) == 0) {
      return lj_json_refer_string(thinking, "thinkingLevel", levels[at].level);
    }
  }
  return lj_json_put_number(thinking, "thinkingBudget", 0);
}

static int add_thinking(cJSON *config, const cJSON *request, lj_fault *fault) {
  const cJSON *reasoning = lj_json_object(request, "reasoning");
  const char *effort = lj_json_string(reasoning, "effort");
  const cJSON *budget = lj_json_get(reasoning, "budgetTokens");
  cJSON *thinking;
  int rc;
  if (effort == NULL && budget == NULL) { /* models that can think do so when nothing is said */
    return LJ_OK;
  }
  if (effort != NULL && budget != NULL) {
    return lj_fault_set(fault, LJ_BAD_REQUEST, "reasoning has both effort and budgetTokens; gemini takes one of them");
  }
  rc = check_number(reasoning, "budgetTokens", "reasoning.budgetTokens", fault);
  if (rc != LJ_OK) {
    return rc;
  }
  thinking = cJSON_CreateObject();
  rc = lj_json_put_value(config, "thinkingConfig", thinking);
  if (rc != LJ_OK) {
    return rc;
  }
  return effort != NULL ? add_effort(thinking, effort) : lj_json_refer(thinking, "thinkingBudget", budget);
}

static int fill_config(cJSON *config, const cJSON *request, lj_fault *fault) {
  static const struct {
    const char *wire;
    const char *request;
  } fields[] = {
      {"maxOutputTokens", "maxTokens"}, {"temperature", "temperature"}, {"topP", "topP"}, {"seed", "seed"},
  };
  size_t at;
  int rc = check_number(request, "maxTokens", "maxTokens", fault);
  if (rc == LJ_OK) {
    rc = check_number(request, "seed", "seed", fault);
  }
  for (at = 0; rc == LJ_OK && at < sizeof fields / sizeof fields[0]; at++) {
    rc = lj_json_refer_member(config, fields[at].wire, request, fields[at].request);
  }
  if (rc == LJ_OK) {
    rc = add_stop(config, request, fault);
  }
  if (rc == LJ_OK) {
    rc = add_format(config, request);
  }
  return rc == LJ_OK ? add_thinking(config, request, fault) : rc;
}

static int add_config(cJSON *body, const cJSON *request, lj_fault *fault) {
  cJSON *config = cJSON_CreateObject();
  int rc = config == NULL ? LJ_NOMEM : fill_config(config, request, fault);
  if (rc != LJ_OK || config->child == NULL) {
    cJSON_Delete(config);
    return rc;
  }
  return lj_json_put_value(body, "generationConfig", config);
}

static int build_text(cJSON *body, const lj_endpoint *endpoint, const cJSON *request, lj_fault *fault) {
  int rc = lj_gemini_put_contents(body, request, fault);
  if (rc == LJ_OK) {
    rc = add_tooling(body, request);
  }
  if (rc == LJ_OK) {
    rc = add_config(body, request, fault);
  }
  return rc == LJ_OK ? lj_merge_provider_options(body, request, endpoint, lj_gemini.kind, "generationConfig") : rc;
}

int lj_gemini_build(const lj_endpoint *endpoint, const char *model, const cJSON *request, lj_wire *wire, lj_fault *fault) {
  bool stream = lj_json_bool(request, "stream", true);
  cJSON *body;
  int rc;
  if (lj_embedding_is_wanted(request)) {
    return lj_gemini_build_embeddings(endpoint, model, request, wire, fault);
  }
  body = cJSON_CreateObject();
  rc = body == NULL ? LJ_NOMEM : build_text(body, endpoint, request, fault);
  if (rc == LJ_OK) {
    rc = lj_gemini_start(wire, endpoint, model, stream ? ":streamGenerateContent?alt=sse" : ":generateContent", stream, fault);
  }
  if (rc == LJ_OK) {
    rc = lj_wire_body(wire, body, fault);
  }
  cJSON_Delete(body);
  return lj_wire_tell_large(rc, fault);
}
