/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "provider/embedding_request.h"
#include "provider/ollama.h"
#include "provider/wire.h"

/* As in openai_request.c, the tree refers to the request's strings instead of copying them. */

/* The base64 part of a data URL, or NULL. */
static const char *data_url_payload(const char *url) {
  static const char scheme[] = "data:";
  const char *comma = strncmp(url, scheme, sizeof scheme - 1) == 0 ? strchr(url, ',') : NULL;
  static const char encoding[] = ";base64";
  size_t length = sizeof encoding - 1;
  if (comma == NULL || (size_t)(comma - url) < length || strncmp(comma - length, encoding, length) != 0) {
    return NULL;
  }
  return comma + 1;
}

static int add_image(cJSON *images, const cJSON *part, lj_fault *fault) {
  const char *data = lj_json_string(part, "data");
  const char *url = lj_json_string(part, "url");
  if (data == NULL && url != NULL) {
    data = data_url_payload(url);
  }
  if (data == NULL) {
    return lj_fault_set(fault, LJ_BAD_REQUEST,
                        "An image is given by its address, which ollama does not fetch; give the image itself as data (base64) "
                        "with mediaType");
  }
  return lj_json_push_value(images, cJSON_CreateStringReference(data));
}

/* Ollama has one text and beside it the images. Several texts are set apart by a blank line, as paragraphs are. */
static int add_parts(cJSON *message, const cJSON *parts, lj_fault *fault) {
  cJSON *images = cJSON_CreateArray();
  const cJSON *part;
  lj_buffer text;
  int rc = images == NULL ? LJ_NOMEM : LJ_OK;
  lj_buffer_init(&text, LJ_MAX_REQUEST_BYTES);
  cJSON_ArrayForEach(part, parts) {
    const char *words = lj_json_string(part, "text");
    if (rc == LJ_OK && lj_text_is(lj_json_string(part, "type"), "image")) {
      rc = add_image(images, part, fault);
    } else if (rc == LJ_OK && words != NULL) {
      rc = text.length > 0 ? lj_buffer_append_text(&text, "\n\n") : LJ_OK;
      if (rc == LJ_OK) {
        rc = lj_buffer_append_text(&text, words);
      }
    }
  }
  if (rc == LJ_OK) {
    rc = lj_json_put_string(message, "content", text.data);
  }
  if (rc == LJ_OK && images->child != NULL) {
    rc = lj_json_put_value(message, "images", images);
    images = NULL;
  }
  lj_buffer_free(&text);
  cJSON_Delete(images);
  return rc;
}

static int add_content(cJSON *message, const cJSON *source, lj_fault *fault) {
  const cJSON *content = lj_json_get(source, "content");
  if (cJSON_IsArray(content)) {
    return add_parts(message, content, fault);
  }
  return content != NULL ? lj_json_refer(message, "content", content) : lj_json_refer_string(message, "content", "");
}

static int add_arguments(cJSON *function, const cJSON *call, lj_fault *fault) {
  const cJSON *arguments = lj_json_get(call, "arguments");
  cJSON *parsed = NULL;
  int rc;
  if (arguments == NULL) {
    return lj_json_put_value(function, "arguments", cJSON_CreateObject());
  }
  if (!cJSON_IsString(arguments)) {
    return lj_json_refer(function, "arguments", arguments);
  }
  rc = lj_json_parse(arguments->valuestring, strlen(arguments->valuestring), &parsed);
  if (rc == LJ_NOMEM) {
    return rc;
  }
  if (!cJSON_IsObject(parsed)) {
    cJSON_Delete(parsed);
    return lj_fault_set(fault, LJ_BAD_REQUEST,
                        "The arguments of a tool call in messages are text that is no JSON object; ollama takes only objects");
  }
  return lj_json_put_value(function, "arguments", parsed);
}

static int add_call(cJSON *list, const cJSON *call, lj_fault *fault) {
  cJSON *made = cJSON_CreateObject();
  cJSON *function;
  int rc = lj_json_push_value(list, made);
  if (rc == LJ_OK) {
    rc = lj_json_refer_member(made, "id", call, "id");
  }
  if (rc != LJ_OK) {
    return rc;
  }
  function = cJSON_CreateObject();
  rc = lj_json_put_value(made, "function", function);
  if (rc == LJ_OK) {
    rc = lj_json_refer_member(function, "name", call, "name");
  }
  return rc == LJ_OK ? add_arguments(function, call, fault) : rc;
}

static int add_calls(cJSON *message, const cJSON *source, lj_fault *fault) {
  const cJSON *calls = lj_json_array(source, "toolCalls");
  const cJSON *call;
  cJSON *list;
  int rc;
  if (calls == NULL) {
    return LJ_OK;
  }
  list = cJSON_CreateArray();
  rc = lj_json_put_value(message, "tool_calls", list);
  cJSON_ArrayForEach(call, calls) {
    if (rc == LJ_OK) {
      rc = add_call(list, call, fault);
    }
  }
  return rc;
}

/* The name of the tool that the call with this id named, for Ollama's tool_name: its templates print names, not ids. The last
 * such call before the message `until`: ids that were made up begin anew in each answer. */
static const char *tool_name(const cJSON *messages, const cJSON *until, const char *id) {
  const char *name = NULL;
  const cJSON *message;
  const cJSON *call;
  cJSON_ArrayForEach(message, messages) {
    if (message == until) {
      break;
    }
    cJSON_ArrayForEach(call, lj_json_array(message, "toolCalls")) {
      if (lj_text_is(lj_json_string(call, "id"), id)) {
        name = lj_json_string(call, "name");
      }
    }
  }
  return name;
}

static int add_message(cJSON *list, const cJSON *source, const cJSON *messages, lj_fault *fault) {
  const char *role = lj_json_string(source, "role");
  const char *id = lj_json_string(source, "toolCallId");
  const char *name = id != NULL ? tool_name(messages, source, id) : NULL;
  cJSON *message = cJSON_CreateObject();
  int rc = lj_json_push_value(list, message);
  if (rc == LJ_OK) { /* "developer" is OpenAI's name for it */
    rc = lj_json_refer_string(message, "role", role == NULL ? "user" : lj_text_is(role, "developer") ? "system" : role);
  }
  if (rc == LJ_OK) {
    rc = add_content(message, source, fault);
  }
  if (rc == LJ_OK) {
    rc = add_calls(message, source, fault);
  }
  if (rc == LJ_OK) {
    rc = lj_json_refer_member(message, "tool_call_id", source, "toolCallId");
  }
  return rc == LJ_OK && name != NULL ? lj_json_refer_string(message, "tool_name", name) : rc;
}

static int add_messages(cJSON *body, const cJSON *request, lj_fault *fault) {
  const cJSON *messages = lj_json_array(request, "messages");
  const cJSON *source;
  cJSON *list = NULL;
  int rc = lj_wire_messages(body, request, &list);
  cJSON_ArrayForEach(source, messages) {
    if (rc == LJ_OK) {
      rc = add_message(list, source, messages, fault);
    }
  }
  return rc;
}

static int add_options(cJSON *body, const cJSON *request) {
  static const struct {
    const char *wire;
    const char *request;
  } fields[] = {
      {"num_predict", "maxTokens"}, {"temperature", "temperature"}, {"top_p", "topP"}, {"stop", "stop"}, {"seed", "seed"},
  };
  cJSON *options = cJSON_CreateObject();
  size_t at;
  int rc = options == NULL ? LJ_NOMEM : LJ_OK;
  for (at = 0; rc == LJ_OK && at < sizeof fields / sizeof fields[0]; at++) {
    rc = lj_json_refer_member(options, fields[at].wire, request, fields[at].request);
  }
  if (rc != LJ_OK || options->child == NULL) {
    cJSON_Delete(options);
    return rc;
  }
  return lj_json_put_value(body, "options", options);
}

static int add_tools(cJSON *body, const cJSON *request, lj_fault *fault) {
  const cJSON *choice = lj_json_get(request, "toolChoice");
  const cJSON *tools = lj_json_array(request, "tools");
  const char *name = cJSON_IsString(choice) ? choice->valuestring : NULL;
  if (lj_text_is(name, "none") || tools == NULL || tools->child == NULL) {
    return LJ_OK;
  }
  if (choice != NULL && !lj_text_is(name, "auto")) {
    return lj_fault_set(fault, LJ_BAD_REQUEST, "toolChoice is not supported by ollama, except for \"auto\" and \"none\"");
  }
  return lj_wire_list(body, "tools", tools, lj_wire_push_function);
}

static int add_format(cJSON *body, const cJSON *request) {
  const cJSON *format = lj_json_get(request, "responseFormat");
  if (cJSON_IsObject(format)) {
    return lj_json_refer_member(body, "format", format, "schema");
  }
  return cJSON_IsString(format) && strcmp(format->valuestring, "json") == 0 ? lj_json_refer(body, "format", format) : LJ_OK;
}

/* Ollama knows three levels; the others are the nearest of them. */
static int add_think(cJSON *body, const cJSON *request, lj_fault *fault) {
  const cJSON *reasoning = lj_json_object(request, "reasoning");
  const char *effort = lj_json_string(reasoning, "effort");
  if (reasoning == NULL) {
    return LJ_OK;
  }
  if (lj_json_get(reasoning, "budgetTokens") != NULL) {
    return lj_fault_set(fault, LJ_BAD_REQUEST, "reasoning.budgetTokens is not supported by ollama; use reasoning.effort");
  }
  if (effort == NULL) {
    return lj_json_put_bool(body, "think", true);
  }
  if (lj_text_is(effort, "none")) {
    return lj_json_put_bool(body, "think", false);
  }
  if (lj_text_is(effort, "minimal")) {
    effort = "low";
  } else if (lj_text_is(effort, "xhigh") || lj_text_is(effort, "max")) {
    effort = "high";
  }
  return lj_json_refer_string(body, "think", effort);
}

static int add_fields(cJSON *body, const char *model, const cJSON *request, lj_fault *fault) {
  int rc = lj_json_refer_string(body, "model", model);
  if (rc == LJ_OK) {
    rc = add_messages(body, request, fault);
  }
  if (rc == LJ_OK) {
    rc = add_options(body, request);
  }
  if (rc == LJ_OK) {
    rc = add_tools(body, request, fault);
  }
  if (rc == LJ_OK) {
    rc = add_format(body, request);
  }
  if (rc == LJ_OK) {
    rc = add_think(body, request, fault);
  }
  /* Ollama streams when nothing is said. */
  return rc == LJ_OK ? lj_json_put_bool(body, "stream", lj_json_bool(request, "stream", true)) : rc;
}

static int add_input(cJSON *body, const char *model, const cJSON *request, lj_wire *wire, lj_fault *fault) {
  int rc = lj_embedding_start(wire, request, lj_ollama.kind, LJ_MAX_INPUTS, fault);
  if (rc == LJ_OK) {
    rc = lj_json_refer_string(body, "model", model);
  }
  return rc == LJ_OK ? lj_json_refer_member(body, "input", request, "input") : rc;
}

int lj_ollama_build(const lj_endpoint *endpoint, const char *model, const cJSON *request, lj_wire *wire, lj_fault *fault) {
  bool embeddings = lj_embedding_is_wanted(request);
  cJSON *body = cJSON_CreateObject();
  int rc = body == NULL ? LJ_NOMEM : LJ_OK;
  if (rc == LJ_OK) {
    rc = embeddings ? add_input(body, model, request, wire, fault) : add_fields(body, model, request, fault);
  }
  if (rc == LJ_OK) {
    rc = lj_merge_provider_options(body, request, endpoint, lj_ollama.kind, "options");
  }
  if (rc == LJ_OK) { /* the options may have changed it */
    rc = lj_wire_start(wire, endpoint, lj_ollama.default_base_url, embeddings ? "/api/embed" : "/api/chat",
                       !embeddings && lj_json_bool(body, "stream", true), "application/x-ndjson", fault);
  }
  if (rc == LJ_OK) {
    rc = lj_wire_body(wire, body, fault);
  }
  cJSON_Delete(body);
  return lj_wire_tell_large(rc, fault);
}
