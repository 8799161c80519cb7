/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "provider/embedding_request.h"
#include "provider/openai.h"
#include "provider/wire.h"

/* The tree that is built here refers to the request's strings and schemas instead of copying them; only what changes its
 * form is copied. It is printed and deleted before the request can go away. */

int lj_openai_image_url(cJSON *object, const char *key, const cJSON *image) {
  const char *url = lj_json_string(image, "url");
  const char *data = lj_json_string(image, "data");
  const char *media_type = lj_json_string(image, "mediaType");
  lj_buffer made;
  int rc;
  if (url != NULL || data == NULL) {
    return lj_json_refer_member(object, key, image, "url");
  }
  lj_buffer_init(&made, LJ_MAX_REQUEST_BYTES);
  rc = lj_buffer_printf(&made, "data:%s;base64,", media_type != NULL ? media_type : "image/png");
  if (rc == LJ_OK) {
    rc = lj_buffer_append_text(&made, data);
  }
  if (rc == LJ_OK) {
    rc = lj_json_put_string(object, key, made.data);
  }
  lj_buffer_free(&made);
  return rc;
}

static int add_image(cJSON *part, const cJSON *image) {
  cJSON *image_url = cJSON_CreateObject();
  int rc = lj_json_put_value(part, "image_url", image_url);
  return rc == LJ_OK ? lj_openai_image_url(image_url, "url", image) : rc;
}

static int add_part(cJSON *list, const cJSON *part, const char *role, lj_fault *fault) {
  const char *type = lj_json_string(part, "type");
  bool is_image = type != NULL && strcmp(type, "image") == 0;
  cJSON *made;
  int rc;
  if (is_image && strcmp(role, "user") != 0) {
    return lj_fault_set(fault, LJ_BAD_REQUEST,
                        "An image stands in a message of role %.20s, where OpenAI's chat form takes only text; put it into one of "
                        "role user",
                        role);
  }
  made = cJSON_CreateObject();
  rc = lj_json_push_value(list, made);
  if (rc == LJ_OK) {
    rc = lj_json_put_value(made, "type", cJSON_CreateStringReference(is_image ? "image_url" : "text"));
  }
  if (rc == LJ_OK) {
    rc = is_image ? add_image(made, part) : lj_json_refer_member(made, "text", part, "text");
  }
  return rc;
}

static int add_content(cJSON *message, const cJSON *source, const char *role, lj_fault *fault) {
  const cJSON *content = lj_json_get(source, "content");
  const cJSON *part;
  cJSON *list;
  int rc;
  if (content == NULL) { /* the checks let it be missing only beside tool calls, where every dialect takes null */
    return lj_json_put_value(message, "content", cJSON_CreateNull());
  }
  if (!cJSON_IsArray(content)) {
    return lj_json_refer(message, "content", content);
  }
  list = cJSON_CreateArray();
  rc = lj_json_put_value(message, "content", list);
  cJSON_ArrayForEach(part, content) {
    if (rc == LJ_OK) {
      rc = add_part(list, part, role, fault);
    }
  }
  return rc;
}

/* OpenAI wants a call's arguments as text, whatever they are here. */
int lj_openai_arguments(cJSON *function, const cJSON *call) {
  const cJSON *arguments = lj_json_get(call, "arguments");
  lj_buffer text;
  int rc;
  if (cJSON_IsString(arguments)) {
    return lj_json_refer(function, "arguments", arguments);
  }
  lj_buffer_init(&text, LJ_MAX_REQUEST_BYTES);
  rc = arguments != NULL ? lj_json_print(arguments, &text) : lj_buffer_append_text(&text, "{}");
  if (rc == LJ_OK) {
    rc = lj_json_put_string(function, "arguments", text.data);
  }
  lj_buffer_free(&text);
  return rc;
}

static int add_call(cJSON *list, const cJSON *call) {
  cJSON *made = cJSON_CreateObject();
  cJSON *function;
  int rc = lj_json_push_value(list, made);
  if (rc == LJ_OK) {
    rc = lj_json_refer_member(made, "id", call, "id");
  }
  if (rc == LJ_OK) {
    rc = lj_json_refer_string(made, "type", "function");
  }
  if (rc != LJ_OK) {
    return rc;
  }
  function = cJSON_CreateObject();
  rc = lj_json_put_value(made, "function", function);
  if (rc == LJ_OK) {
    rc = lj_json_refer_member(function, "name", call, "name");
  }
  return rc == LJ_OK ? lj_openai_arguments(function, call) : rc;
}

static int add_message(const lj_openai_dialect *dialect, cJSON *list, const cJSON *source, lj_fault *fault) {
  const char *role = lj_json_string(source, "role");
  cJSON *message = cJSON_CreateObject();
  int rc = lj_json_push_value(list, message);
  role = role != NULL ? role : "user";
  if (strcmp(role, "developer") == 0 && !dialect->developer_role) {
    role = "system";
  }
  if (rc == LJ_OK) {
    rc = lj_json_refer_string(message, "role", role);
  }
  if (rc == LJ_OK) {
    rc = add_content(message, source, role, fault);
  }
  if (rc == LJ_OK && dialect->add_to_message != NULL) {
    rc = dialect->add_to_message(message, source);
  }
  if (rc == LJ_OK) {
    rc = lj_wire_list(message, "tool_calls", lj_json_array(source, "toolCalls"), add_call);
  }
  if (rc == LJ_OK) {
    rc = lj_json_refer_member(message, "tool_call_id", source, "toolCallId");
  }
  return rc;
}

static int add_messages(const lj_openai_dialect *dialect, cJSON *body, const cJSON *request, lj_fault *fault) {
  const cJSON *source;
  cJSON *list = NULL;
  int rc = lj_wire_messages(body, request, &list);
  cJSON_ArrayForEach(source, lj_json_array(request, "messages")) {
    if (rc == LJ_OK) {
      rc = add_message(dialect, list, source, fault);
    }
  }
  return rc;
}

static int add_tool_choice(cJSON *body, const cJSON *request) {
  const cJSON *choice = lj_json_get(request, "toolChoice");
  cJSON *made;
  cJSON *function;
  int rc;
  if (cJSON_GetArraySize(lj_json_array(request, "tools")) == 0) { /* OpenAI refuses a choice without tools */
    return LJ_OK;
  }
  if (!cJSON_IsObject(choice)) {
    return lj_json_refer_member(body, "tool_choice", request, "toolChoice");
  }
  made = cJSON_CreateObject();
  rc = lj_json_put_value(body, "tool_choice", made);
  if (rc == LJ_OK) {
    rc = lj_json_refer_string(made, "type", "function");
  }
  if (rc != LJ_OK) {
    return rc;
  }
  function = cJSON_CreateObject();
  rc = lj_json_put_value(made, "function", function);
  return rc == LJ_OK ? lj_json_refer_member(function, "name", choice, "name") : rc;
}

static int add_schema(cJSON *format, const cJSON *wanted) {
  cJSON *schema = cJSON_CreateObject();
  const char *name = lj_json_string(wanted, "name");
  int rc = lj_json_put_value(format, "json_schema", schema);
  if (rc == LJ_OK) {
    rc = lj_json_refer_string(schema, "name", name != NULL ? name : "response");
  }
  if (rc == LJ_OK) {
    rc = lj_json_refer_member(schema, "schema", wanted, "schema");
  }
  return rc == LJ_OK ? lj_json_refer_member(schema, "strict", wanted, "strict") : rc;
}

static int add_response_format(const lj_openai_dialect *dialect, cJSON *body, const cJSON *request, lj_fault *fault) {
  const cJSON *wanted = lj_json_get(request, "responseFormat");
  bool is_schema = cJSON_IsObject(wanted);
  cJSON *format;
  int rc;
  if (wanted == NULL || (cJSON_IsString(wanted) && strcmp(wanted->valuestring, "text") == 0)) {
    return LJ_OK; /* what every server does by itself; some don't know the field */
  }
  if (is_schema && !dialect->json_schema) {
    return lj_fault_set(fault, LJ_BAD_REQUEST,
                        "responseFormat with a schema is not supported by %s; use \"json\" and describe the form in the prompt",
                        dialect->provider->kind);
  }
  format = cJSON_CreateObject();
  rc = lj_json_put_value(body, "response_format", format);
  if (rc == LJ_OK) {
    rc = lj_json_refer_string(format, "type", is_schema ? "json_schema" : "json_object");
  }
  return rc == LJ_OK && is_schema ? add_schema(format, wanted) : rc;
}

static int add_reasoning(const lj_openai_dialect *dialect, cJSON *body, const cJSON *request, lj_fault *fault) {
  const cJSON *reasoning = lj_json_object(request, "reasoning");
  if (lj_json_get(reasoning, "budgetTokens") != NULL) {
    return lj_fault_set(fault, LJ_BAD_REQUEST, "reasoning.budgetTokens is not supported by %s; use reasoning.effort",
                        dialect->provider->kind);
  }
  if (dialect->add_reasoning != NULL && lj_json_string(reasoning, "effort") != NULL) {
    return dialect->add_reasoning(body, lj_json_string(reasoning, "effort"));
  }
  return lj_json_refer_member(body, "reasoning_effort", reasoning, "effort");
}

static int add_stop(const lj_openai_dialect *dialect, cJSON *body, const cJSON *request, lj_fault *fault) {
  const cJSON *stop = lj_json_array(request, "stop");
  if (dialect->max_stops > 0 && cJSON_GetArraySize(stop) > dialect->max_stops) {
    return lj_fault_set(fault, LJ_BAD_REQUEST, "stop has %d entries, but %s takes at most %d", cJSON_GetArraySize(stop),
                        dialect->provider->kind, dialect->max_stops);
  }
  return lj_json_refer_member(body, "stop", request, "stop");
}

static int add_stream(cJSON *body, const cJSON *request) {
  bool stream = lj_json_bool(request, "stream", true);
  cJSON *options;
  int rc = lj_json_put_bool(body, "stream", stream);
  if (rc != LJ_OK || !stream) {
    return rc;
  }
  options = cJSON_CreateObject(); /* without it a stream tells no token counts */
  rc = lj_json_put_value(body, "stream_options", options);
  return rc == LJ_OK ? lj_json_put_bool(options, "include_usage", true) : rc;
}

static int add_fields(const lj_openai_dialect *dialect, cJSON *body, const char *model, const cJSON *request,
                      lj_fault *fault) {
  const struct {
    const char *wire;
    const char *request;
  } plain[] = {{dialect->max_tokens, "maxTokens"}, {"temperature", "temperature"}, {"top_p", "topP"}, {"seed", "seed"}};
  size_t at;
  int rc;
  if (!dialect->seed && lj_json_get(request, "seed") != NULL) {
    return lj_fault_set(fault, LJ_BAD_REQUEST, "seed is not supported by %s; leave it out", dialect->provider->kind);
  }
  rc = lj_json_refer_string(body, "model", model);
  if (rc == LJ_OK) {
    rc = add_messages(dialect, body, request, fault);
  }
  for (at = 0; rc == LJ_OK && at < sizeof plain / sizeof plain[0]; at++) {
    rc = lj_json_refer_member(body, plain[at].wire, request, plain[at].request);
  }
  if (rc == LJ_OK) {
    rc = add_stop(dialect, body, request, fault);
  }
  if (rc == LJ_OK) {
    rc = lj_wire_list(body, "tools", lj_json_array(request, "tools"), lj_wire_push_function);
  }
  if (rc == LJ_OK) {
    rc = add_tool_choice(body, request);
  }
  if (rc == LJ_OK) {
    rc = add_response_format(dialect, body, request, fault);
  }
  if (rc == LJ_OK) {
    rc = add_reasoning(dialect, body, request, fault);
  }
  return rc == LJ_OK ? add_stream(body, request) : rc;
}

int lj_openai_build(const lj_openai_dialect *dialect, const lj_endpoint *endpoint, const char *model, const cJSON *request,
                    lj_wire *wire, lj_fault *fault) {
  cJSON *body = NULL;
  int rc;
  if (lj_embedding_is_wanted(request)) {
    return lj_openai_build_embeddings(dialect, endpoint, model, request, wire, fault);
  }
  body = cJSON_CreateObject();
  rc = body == NULL ? LJ_NOMEM : add_fields(dialect, body, model, request, fault);
  if (rc == LJ_OK) {
    rc = lj_merge_provider_options(body, request, endpoint, dialect->provider->kind, NULL);
  }
  if (rc == LJ_OK) { /* the options may have changed it */
    rc = lj_wire_start(wire, endpoint, dialect->provider->default_base_url, "/chat/completions",
                       lj_json_bool(body, "stream", false), "text/event-stream", fault);
  }
  if (rc == LJ_OK) {
    rc = lj_wire_body(wire, body, fault);
  }
  cJSON_Delete(body);
  return lj_wire_tell_large(rc, fault);
}
