/* SPDX-License-Identifier: MIT
 *
 * Messages alternate between the user and the assistant: neighbours of one role become one message. Results of tools are the
 * user's, and come first in the message. The system's words stand apart.
 */
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "provider/anthropic.h"
#include "provider/wire.h"

/* As in openai_request.c, the tree refers to the request's strings instead of copying them. */

static const char *role_of(const cJSON *source) {
  const char *role = lj_json_string(source, "role");
  if (lj_text_is(role, "tool")) {
    return "user";
  }
  return lj_text_is(role, "developer") ? "system" : role; /* "developer" is OpenAI's name for it */
}

static bool is_result(const cJSON *source) { return lj_json_get(source, "toolCallId") != NULL; }

/* Appends {"type": type, …} to the list; *out is borrowed. */
static int push_block(cJSON *list, const char *type, cJSON **out) {
  int rc;
  *out = cJSON_CreateObject();
  rc = lj_json_push_value(list, *out);
  return rc == LJ_OK ? lj_json_refer_string(*out, "type", type) : rc;
}

static int push_text(cJSON *list, const char *text) {
  cJSON *block;
  int rc = push_block(list, "text", &block);
  return rc == LJ_OK ? lj_json_refer_string(block, "text", text) : rc;
}

/* data:image/png;base64,AAAA → media type and data. The API fetches only what is on the web. */
static int add_data_url(cJSON *source, const char *url, lj_fault *fault) {
  static const char encoding[] = ";base64";
  size_t length = sizeof encoding - 1;
  const char *type = url + strlen("data:");
  const char *comma = strchr(type, ',');
  lj_buffer media_type;
  int rc;
  if (comma == NULL || (size_t)(comma - type) <= length || strncmp(comma - length, encoding, length) != 0) {
    return lj_fault_set(fault, LJ_BAD_REQUEST,
                        "An image is given as a data URL that is not \"data:<media type>;base64,…\"; give the image as data "
                        "(base64) with mediaType");
  }
  lj_buffer_init(&media_type, LJ_MAX_REQUEST_BYTES);
  rc = lj_buffer_append(&media_type, type, (size_t)(comma - type) - length);
  if (rc == LJ_OK) {
    rc = lj_json_refer_string(source, "type", "base64");
  }
  if (rc == LJ_OK) {
    rc = lj_json_put_string(source, "media_type", media_type.data);
  }
  if (rc == LJ_OK) {
    rc = lj_json_refer_string(source, "data", comma + 1);
  }
  lj_buffer_free(&media_type);
  return rc;
}

static int push_image(cJSON *list, const cJSON *part, lj_fault *fault) {
  const char *url = lj_json_string(part, "url");
  cJSON *source;
  cJSON *block;
  int rc = push_block(list, "image", &block);
  if (rc != LJ_OK) {
    return rc;
  }
  source = cJSON_CreateObject();
  rc = lj_json_put_value(block, "source", source);
  if (rc == LJ_OK && url != NULL && strncmp(url, "data:", 5) == 0) {
    return add_data_url(source, url, fault);
  }
  if (rc == LJ_OK) {
    rc = lj_json_refer_string(source, "type", url != NULL ? "url" : "base64");
  }
  if (rc == LJ_OK && url != NULL) {
    return lj_json_refer_string(source, "url", url);
  }
  if (rc == LJ_OK) {
    rc = lj_json_refer_member(source, "media_type", part, "mediaType");
  }
  return rc == LJ_OK ? lj_json_refer_member(source, "data", part, "data") : rc;
}

static int push_parts(cJSON *list, const cJSON *parts, lj_fault *fault) {
  const cJSON *part;
  int rc = LJ_OK;
  cJSON_ArrayForEach(part, parts) {
    if (rc == LJ_OK && lj_text_is(lj_json_string(part, "type"), "image")) {
      rc = push_image(list, part, fault);
    } else if (rc == LJ_OK) {
      rc = push_text(list, lj_json_string(part, "text"));
    }
  }
  return rc;
}

static int push_content(cJSON *list, const cJSON *source, lj_fault *fault) {
  const cJSON *content = lj_json_get(source, "content");
  if (cJSON_IsArray(content)) {
    return push_parts(list, content, fault);
  }
  /* An assistant that only called tools may have said "", which the API refuses as a block. */
  return content != NULL && (content->valuestring[0] != '\0' || lj_json_get(source, "toolCalls") == NULL)
             ? push_text(list, content->valuestring)
             : LJ_OK;
}

static int push_result(cJSON *list, const cJSON *source, lj_fault *fault) {
  const cJSON *content = lj_json_get(source, "content");
  cJSON *block;
  cJSON *parts;
  int rc = push_block(list, "tool_result", &block);
  if (rc == LJ_OK) {
    rc = lj_json_refer_member(block, "tool_use_id", source, "toolCallId");
  }
  if (rc != LJ_OK || !cJSON_IsArray(content)) {
    return rc == LJ_OK ? lj_json_refer(block, "content", content) : rc;
  }
  parts = cJSON_CreateArray();
  rc = lj_json_put_value(block, "content", parts);
  return rc == LJ_OK ? push_parts(parts, content, fault) : rc;
}

static int add_input(cJSON *block, const cJSON *call, lj_fault *fault) {
  const cJSON *arguments = lj_json_get(call, "arguments");
  cJSON *parsed = NULL;
  bool is_object;
  int rc;
  if (arguments == NULL) {
    return lj_json_put_value(block, "input", cJSON_CreateObject());
  }
  if (!cJSON_IsString(arguments)) {
    return lj_json_refer(block, "input", arguments);
  }
  rc = lj_json_parse(arguments->valuestring, strlen(arguments->valuestring), &parsed);
  if (rc == LJ_NOMEM) {
    return rc;
  }
  is_object = cJSON_IsObject(parsed);
  cJSON_Delete(parsed);
  if (!is_object) {
    return lj_fault_set(fault, LJ_BAD_REQUEST,
                        "The arguments of a tool call in messages are text that is no JSON object; anthropic takes only objects");
  }
  /* Word for word, because our numbers hold fewer digits than a text may. */
  return lj_json_put_value(block, "input", cJSON_CreateRaw(arguments->valuestring));
}

static int push_call(cJSON *list, const cJSON *call, lj_fault *fault) {
  cJSON *block;
  int rc = push_block(list, "tool_use", &block);
  if (rc == LJ_OK) {
    rc = lj_json_refer_member(block, "id", call, "id");
  }
  if (rc == LJ_OK) {
    rc = lj_json_refer_member(block, "name", call, "name");
  }
  return rc == LJ_OK ? add_input(block, call, fault) : rc;
}

/* In the order in which the model said it: what it thought, its words, and its calls. What it thought between two calls
 * stands between them. */
static int push_said(cJSON *list, const cJSON *source, lj_fault *fault) {
  const cJSON *calls = lj_json_array(source, "toolCalls");
  const cJSON *call;
  int rc = calls != NULL ? lj_anthropic_add_thoughts(list, calls->child) : LJ_OK;
  if (rc == LJ_OK) {
    rc = push_content(list, source, fault);
  }
  cJSON_ArrayForEach(call, calls) {
    if (rc == LJ_OK && call != calls->child) {
      rc = lj_anthropic_add_thoughts(list, call);
    }
    if (rc == LJ_OK) {
      rc = push_call(list, call, fault);
    }
  }
  return rc;
}

/* The messages from `first` to before `end`, which have one role, as one. */
static int push_turn(cJSON *list, const cJSON *first, const cJSON *end, lj_fault *fault) {
  const cJSON *content = lj_json_get(first, "content");
  const cJSON *source;
  cJSON *turn = cJSON_CreateObject();
  cJSON *blocks;
  int rc = lj_json_push_value(list, turn);
  if (rc == LJ_OK) {
    rc = lj_json_refer_string(turn, "role", role_of(first));
  }
  if (rc == LJ_OK && first->next == end && cJSON_IsString(content) && !is_result(first) &&
      lj_json_get(first, "toolCalls") == NULL) {
    return lj_json_refer(turn, "content", content);
  }
  if (rc != LJ_OK) {
    return rc;
  }
  blocks = cJSON_CreateArray();
  rc = lj_json_put_value(turn, "content", blocks);
  for (source = first; rc == LJ_OK && source != end; source = source->next) {
    rc = is_result(source) ? push_result(blocks, source, fault) : LJ_OK;
  }
  for (source = first; rc == LJ_OK && source != end; source = source->next) {
    rc = is_result(source) ? LJ_OK : push_said(blocks, source, fault);
  }
  return rc;
}

/* One text is sent as it is, several as blocks. */
static int add_system(cJSON *body, const cJSON *request, const cJSON *end, lj_fault *fault) {
  const char *system = lj_json_string(request, "system");
  const cJSON *messages = lj_json_array(request, "messages");
  const cJSON *source;
  cJSON *blocks = cJSON_CreateArray();
  int rc = blocks == NULL ? LJ_NOMEM : LJ_OK;
  if (rc == LJ_OK && system != NULL) {
    rc = push_text(blocks, system);
  }
  for (source = messages != NULL ? messages->child : NULL; rc == LJ_OK && source != end; source = source->next) {
    rc = push_content(blocks, source, fault);
  }
  if (rc == LJ_OK && blocks->child != NULL && blocks->child->next == NULL && lj_json_string(blocks->child, "text") != NULL) {
    rc = lj_json_refer_string(body, "system", lj_json_string(blocks->child, "text"));
  } else if (rc == LJ_OK && blocks->child != NULL) {
    rc = lj_json_put_value(body, "system", blocks);
    blocks = NULL;
  }
  cJSON_Delete(blocks);
  return rc;
}

int lj_anthropic_add_messages(cJSON *body, const cJSON *request, bool inline_system, lj_fault *fault) {
  const cJSON *messages = lj_json_array(request, "messages");
  const cJSON *source = messages != NULL ? messages->child : NULL;
  const cJSON *end;
  cJSON *list;
  int at = 0;
  int rc;
  for (; source != NULL && lj_text_is(role_of(source), "system"); source = source->next) {
    at++;
  }
  rc = add_system(body, request, source, fault);
  if (rc != LJ_OK) {
    return rc;
  }
  list = cJSON_CreateArray();
  rc = lj_json_put_value(body, "messages", list);
  for (; rc == LJ_OK && source != NULL; source = end) {
    const char *role = role_of(source);
    if (lj_text_is(role, "system") && !inline_system) {
      return lj_fault_set(fault, LJ_BAD_REQUEST,
                          "messages[%d] has the role %s behind messages of others, which anthropic takes from anthropic-version "
                          LJ_ANTHROPIC_NO_SAMPLING " on; put it first, or set that header",
                          at, lj_json_string(source, "role"));
    }
    for (end = source; end != NULL && lj_text_is(role_of(end), role); end = end->next) {
      at++;
    }
    rc = push_turn(list, source, end, fault);
  }
  return rc;
}
