/* SPDX-License-Identifier: MIT
 *
 * A conversation as items: what in Chat Completions stands inside a message stands beside it here. As in openai_request.c, the
 * tree refers to the request's strings instead of copying them.
 */
#include "base/json.h"
#include "provider/responses.h"
#include "provider/wire.h"

static int add_image(cJSON *part, const cJSON *image) {
  int rc = lj_json_refer_string(part, "type", "input_image");
  if (rc == LJ_OK) {
    rc = lj_openai_image_url(part, "image_url", image);
  }
  return rc == LJ_OK ? lj_json_refer_string(part, "detail", "auto") : rc;
}

/* What the assistant said is output, all else is input. */
static int add_part(cJSON *list, const cJSON *part, bool output, lj_fault *fault) {
  bool is_image = lj_text_is(lj_json_string(part, "type"), "image");
  cJSON *made;
  int rc;
  if (is_image && output) {
    return lj_fault_set(fault, LJ_BAD_REQUEST, "An image stands in a message of the assistant, where OpenAI takes only text");
  }
  made = cJSON_CreateObject();
  rc = lj_json_push_value(list, made);
  if (rc == LJ_OK && is_image) {
    return add_image(made, part);
  }
  if (rc == LJ_OK) {
    rc = lj_json_refer_string(made, "type", output ? "output_text" : "input_text");
  }
  return rc == LJ_OK ? lj_json_refer_member(made, "text", part, "text") : rc;
}

static int add_content(cJSON *item, const char *key, const cJSON *content, bool output, lj_fault *fault) {
  const cJSON *part;
  cJSON *list;
  int rc;
  if (!cJSON_IsArray(content)) {
    return lj_json_refer(item, key, content);
  }
  list = cJSON_CreateArray();
  rc = lj_json_put_value(item, key, list);
  cJSON_ArrayForEach(part, content) {
    if (rc == LJ_OK) {
      rc = add_part(list, part, output, fault);
    }
  }
  return rc;
}

static int add_words(cJSON *input, const cJSON *message, const char *role, lj_fault *fault) {
  const cJSON *content = lj_json_get(message, "content");
  cJSON *item;
  int rc;
  if (content == NULL) { /* an assistant that only called tools */
    return LJ_OK;
  }
  item = cJSON_CreateObject();
  rc = lj_json_push_value(input, item);
  if (rc == LJ_OK) {
    rc = lj_json_refer_string(item, "role", role);
  }
  return rc == LJ_OK ? add_content(item, "content", content, lj_text_is(role, "assistant"), fault) : rc;
}

static int add_call(cJSON *input, const cJSON *call) {
  cJSON *item = cJSON_CreateObject();
  int rc = lj_json_push_value(input, item);
  if (rc == LJ_OK) {
    rc = lj_json_refer_string(item, "type", "function_call");
  }
  if (rc == LJ_OK) {
    rc = lj_json_refer_member(item, "call_id", call, "id");
  }
  if (rc == LJ_OK) {
    rc = lj_json_refer_member(item, "name", call, "name");
  }
  return rc == LJ_OK ? lj_openai_arguments(item, call) : rc;
}

static int add_result(cJSON *input, const cJSON *message, lj_fault *fault) {
  cJSON *item = cJSON_CreateObject();
  int rc = lj_json_push_value(input, item);
  if (rc == LJ_OK) {
    rc = lj_json_refer_string(item, "type", "function_call_output");
  }
  if (rc == LJ_OK) {
    rc = lj_json_refer_member(item, "call_id", message, "toolCallId");
  }
  return rc == LJ_OK ? add_content(item, "output", lj_json_get(message, "content"), false, fault) : rc;
}

int lj_responses_add_message(cJSON *input, const cJSON *message, lj_fault *fault) {
  const char *role = lj_json_string(message, "role");
  const cJSON *call;
  int rc;
  if (lj_text_is(role, "tool")) {
    return add_result(input, message, fault);
  }
  rc = add_words(input, message, role != NULL ? role : "user", fault);
  cJSON_ArrayForEach(call, lj_json_array(message, "toolCalls")) {
    if (rc == LJ_OK) {
      rc = add_call(input, call);
    }
  }
  return rc;
}
