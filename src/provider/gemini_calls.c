/* SPDX-License-Identifier: MIT
 *
 * Calls of tools and their results, as parts of a conversation.
 */
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "provider/gemini.h"
#include "provider/wire.h"

/* The text as JSON when it is an object, word for word, because our numbers hold fewer digits than a text may; else *out stays
 * NULL. LJ_OK or LJ_NOMEM. */
static int raw_object(const char *text, cJSON **out) {
  cJSON *parsed = NULL;
  int rc = lj_json_parse(text, strlen(text), &parsed);
  bool is_object = cJSON_IsObject(parsed);
  *out = NULL;
  cJSON_Delete(parsed);
  if (rc == LJ_NOMEM || !is_object) {
    return rc == LJ_NOMEM ? rc : LJ_OK;
  }
  *out = cJSON_CreateRaw(text);
  return *out != NULL ? LJ_OK : LJ_NOMEM;
}

/* Ids that the answer's reader made (answer.h), because the model gave none, are not told back to it. */
static bool is_made_up(const char *id) {
  static const char start[] = "call_";
  size_t length = strlen(id);
  return length >= sizeof start && strncmp(id, start, sizeof start - 1) == 0 &&
         strspn(id + sizeof start - 1, "0123456789") == length - (sizeof start - 1);
}

/* Google's signatures are base64; another provider's, of a conversation that moved here, would be refused. */
static const char *own_signature(const cJSON *call) {
  static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_=";
  const char *signature = lj_json_string(call, "signature");
  return signature != NULL && strspn(signature, base64) == strlen(signature) ? signature : NULL;
}

static int put_id(cJSON *object, const char *id) {
  return id != NULL && !is_made_up(id) ? lj_json_refer_string(object, "id", id) : LJ_OK;
}

static int put_args(cJSON *function, const cJSON *call, int index, lj_fault *fault) {
  const cJSON *arguments = lj_json_get(call, "arguments");
  cJSON *object = NULL;
  int rc;
  if (!cJSON_IsString(arguments)) {
    return arguments != NULL ? lj_json_refer(function, "args", arguments)
                             : lj_json_put_value(function, "args", cJSON_CreateObject());
  }
  rc = raw_object(arguments->valuestring, &object);
  if (rc == LJ_OK && object == NULL) {
    return lj_fault_set(fault, LJ_BAD_REQUEST,
                        "The arguments of a tool call in messages[%d] are text that is no JSON object; gemini takes only objects",
                        index);
  }
  return rc == LJ_OK ? lj_json_put_value(function, "args", object) : rc;
}

int lj_gemini_push_calls(cJSON *parts, const cJSON *message, int index, lj_fault *fault) {
  const cJSON *call;
  cJSON_ArrayForEach(call, lj_json_array(message, "toolCalls")) {
    const char *signature = own_signature(call);
    cJSON *part;
    cJSON *function = NULL;
    int rc = lj_gemini_push_part(parts, "functionCall", &part, &function);
    if (rc == LJ_OK) {
      rc = put_id(function, lj_json_string(call, "id"));
    }
    if (rc == LJ_OK) {
      rc = lj_json_refer_member(function, "name", call, "name");
    }
    if (rc == LJ_OK) {
      rc = put_args(function, call, index, fault);
    }
    if (rc == LJ_OK && signature != NULL) {
      rc = lj_json_refer_string(part, "thoughtSignature", signature);
    }
    if (rc != LJ_OK) {
      return rc;
    }
  }
  return LJ_OK;
}

/* The tool of the last call with this id before `message`: made-up ids begin anew with each answer. */
static const char *called_name(const cJSON *messages, const cJSON *message, const char *id) {
  const char *name = NULL;
  const cJSON *at;
  const cJSON *call;
  for (at = messages->child; at != message; at = at->next) {
    cJSON_ArrayForEach(call, lj_json_array(at, "toolCalls")) {
      if (lj_text_is(lj_json_string(call, "id"), id)) {
        name = lj_json_string(call, "name");
      }
    }
  }
  return name;
}

static int append_text(lj_buffer *text, const char *words) {
  int rc = text->length > 0 ? lj_buffer_append_text(text, "\n\n") : LJ_OK;
  return rc == LJ_OK ? lj_buffer_append_text(text, words) : rc;
}

static int tool_text(const cJSON *message, int index, lj_buffer *text, lj_fault *fault) {
  const cJSON *content = lj_json_get(message, "content");
  const cJSON *part;
  int rc = LJ_OK;
  if (cJSON_IsString(content)) {
    return lj_buffer_append_text(text, content->valuestring);
  }
  cJSON_ArrayForEach(part, content) {
    if (lj_text_is(lj_json_string(part, "type"), "image")) {
      return lj_fault_set(fault, LJ_BAD_REQUEST,
                          "messages[%d] of a tool has an image, which gemini does not take there; send it in a message of the user",
                          index);
    }
    if (rc == LJ_OK) {
      rc = append_text(text, lj_json_string(part, "text"));
    }
  }
  return rc;
}

/* The API wants an object, and takes other results under the key "output". */
static int put_response(cJSON *function, const char *text) {
  cJSON *object = NULL;
  int rc = raw_object(text, &object);
  if (rc != LJ_OK || object != NULL) {
    return rc == LJ_OK ? lj_json_put_value(function, "response", object) : rc;
  }
  object = cJSON_CreateObject();
  rc = lj_json_put_value(function, "response", object);
  return rc == LJ_OK ? lj_json_put_string(object, "output", text) : rc;
}

int lj_gemini_push_response(cJSON *parts, const cJSON *messages, const cJSON *message, int index, lj_fault *fault) {
  const char *id = lj_json_string(message, "toolCallId");
  const char *name = called_name(messages, message, id);
  cJSON *part;
  cJSON *function = NULL;
  lj_buffer text;
  int rc;
  if (name == NULL) {
    return lj_fault_set(fault, LJ_BAD_REQUEST,
                        "messages[%d].toolCallId names no tool call of an earlier message, by which gemini would know the tool",
                        index);
  }
  lj_buffer_init(&text, LJ_MAX_REQUEST_BYTES);
  rc = tool_text(message, index, &text, fault);
  if (rc == LJ_OK) {
    rc = lj_gemini_push_part(parts, "functionResponse", &part, &function);
  }
  if (rc == LJ_OK) {
    rc = put_id(function, id);
  }
  if (rc == LJ_OK) {
    rc = lj_json_refer_string(function, "name", name);
  }
  if (rc == LJ_OK) {
    rc = put_response(function, text.data);
  }
  lj_buffer_free(&text);
  return rc;
}
