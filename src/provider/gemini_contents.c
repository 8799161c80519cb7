/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "provider/gemini.h"
#include "provider/wire.h"

/* As in openai_request.c, the tree refers to the request's strings instead of copying them. */

static bool is_text(const char *text, const char *other) { return text != NULL && strcmp(text, other) == 0; }

static bool starts_with(const char *text, const char *start) { return strncmp(text, start, strlen(start)) == 0; }

int lj_gemini_push_text(cJSON *parts, const char *text) {
  cJSON *part = cJSON_CreateObject();
  int rc = lj_json_push_value(parts, part);
  return rc == LJ_OK ? lj_json_refer_string(part, "text", text) : rc;
}

/* An object {} under `key` of a new part. */
static int push_part(cJSON *parts, const char *key, cJSON **part, cJSON **object) {
  int rc;
  *part = cJSON_CreateObject();
  rc = lj_json_push_value(parts, *part);
  if (rc != LJ_OK) {
    return rc;
  }
  *object = cJSON_CreateObject();
  return lj_json_put_value(*part, key, *object);
}

/* "data:image/png;base64,…" */
static int put_data_url(cJSON *inline_data, const char *url, const char *comma) {
  static const char scheme[] = "data:";
  static const char encoding[] = ";base64";
  const char *media_type = url + sizeof scheme - 1;
  lj_buffer text;
  int rc;
  lj_buffer_init(&text, LJ_MAX_REQUEST_BYTES);
  rc = lj_buffer_append(&text, media_type, (size_t)(comma - media_type) - (sizeof encoding - 1));
  if (rc == LJ_OK) {
    rc = lj_json_put_string(inline_data, "mimeType", text.data);
  }
  lj_buffer_free(&text);
  return rc == LJ_OK ? lj_json_refer_string(inline_data, "data", comma + 1) : rc;
}

/* The comma behind ";base64" of a data URL with a media type, else NULL. */
static const char *data_url_comma(const char *url) {
  static const char least[] = "data:;base64";
  const char *comma = starts_with(url, "data:") ? strchr(url, ',') : NULL;
  if (comma == NULL || (size_t)(comma - url) < sizeof least || !starts_with(comma - 7, ";base64,")) {
    return NULL;
  }
  return comma;
}

/* Google fetches addresses of https itself, also those of its own Files API. */
static int push_image(cJSON *parts, const cJSON *image, int index, lj_fault *fault) {
  const char *url = lj_json_string(image, "url");
  const char *comma = url != NULL ? data_url_comma(url) : NULL;
  cJSON *part;
  cJSON *object = NULL;
  int rc;
  if (url != NULL && comma == NULL && !starts_with(url, "https://")) {
    return lj_fault_set(fault, LJ_BAD_REQUEST,
                        "messages[%d] has an image by an address that gemini does not fetch; give one that begins with https://, "
                        "or the image itself as data (base64) with mediaType",
                        index);
  }
  rc = push_part(parts, url == NULL || comma != NULL ? "inlineData" : "fileData", &part, &object);
  if (rc != LJ_OK || comma != NULL) {
    return rc == LJ_OK ? put_data_url(object, url, comma) : rc;
  }
  rc = lj_json_refer_member(object, "mimeType", image, "mediaType");
  if (rc != LJ_OK) {
    return rc;
  }
  return url != NULL ? lj_json_refer_string(object, "fileUri", url) : lj_json_refer_member(object, "data", image, "data");
}

/* Empty texts are left out: the API refuses them beside other parts. */
static int push_content(cJSON *parts, const cJSON *message, int index, lj_fault *fault) {
  const cJSON *content = lj_json_get(message, "content");
  const cJSON *part;
  if (cJSON_IsString(content)) {
    return content->valuestring[0] != '\0' ? lj_gemini_push_text(parts, content->valuestring) : LJ_OK;
  }
  cJSON_ArrayForEach(part, content) {
    const char *text = lj_json_string(part, "text");
    int rc = LJ_OK;
    if (is_text(lj_json_string(part, "type"), "image")) {
      rc = push_image(parts, part, index, fault);
    } else if (text != NULL && text[0] != '\0') {
      rc = lj_gemini_push_text(parts, text);
    }
    if (rc != LJ_OK) {
      return rc;
    }
  }
  return LJ_OK;
}

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
  const char *rest = id + sizeof start - 1;
  return starts_with(id, start) && *rest != '\0' && strspn(rest, "0123456789") == strlen(rest);
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

static int push_calls(cJSON *parts, const cJSON *message, int index, lj_fault *fault) {
  const cJSON *call;
  cJSON_ArrayForEach(call, lj_json_array(message, "toolCalls")) {
    const char *signature = own_signature(call);
    cJSON *part;
    cJSON *function = NULL;
    int rc = push_part(parts, "functionCall", &part, &function);
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
      if (is_text(lj_json_string(call, "id"), id)) {
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
    if (is_text(lj_json_string(part, "type"), "image")) {
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

static int push_response(cJSON *parts, const cJSON *messages, const cJSON *message, int index, lj_fault *fault) {
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
    rc = push_part(parts, "functionResponse", &part, &function);
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

/* A new entry {role, parts: []}. */
static int push_entry(cJSON *contents, const char *role, cJSON **parts) {
  cJSON *entry = cJSON_CreateObject();
  int rc = lj_json_push_value(contents, entry);
  if (rc == LJ_OK) {
    rc = lj_json_refer_string(entry, "role", role);
  }
  if (rc != LJ_OK) {
    return rc;
  }
  *parts = cJSON_CreateArray();
  return lj_json_put_value(entry, "parts", *parts);
}

static bool is_role(const cJSON *message, const char *role) { return is_text(lj_json_string(message, "role"), role); }

static bool is_instruction(const cJSON *message) { return is_role(message, "system") || is_role(message, "developer"); }

static int push_message(cJSON *contents, const cJSON *message, int index, lj_fault *fault) {
  cJSON *parts = NULL;
  int rc = push_entry(contents, is_role(message, "assistant") ? "model" : "user", &parts);
  if (rc == LJ_OK) {
    rc = push_content(parts, message, index, fault);
  }
  if (rc == LJ_OK) {
    rc = push_calls(parts, message, index, fault);
  }
  return rc == LJ_OK && parts->child == NULL ? lj_gemini_push_text(parts, "") : rc;
}

/* What answers the calls of one turn goes into one entry, as the API demands. */
static int push_messages(cJSON *contents, const cJSON *messages, const cJSON *first, int index, lj_fault *fault) {
  cJSON *responses = NULL;
  const cJSON *message;
  int rc = LJ_OK;
  for (message = first; rc == LJ_OK && message != NULL; message = message->next, index++) {
    if (is_instruction(message)) {
      return lj_fault_set(fault, LJ_BAD_REQUEST,
                          "messages[%d] has the role %s behind other messages; gemini takes instructions only before them", index,
                          lj_json_string(message, "role"));
    }
    if (!is_role(message, "tool")) {
      responses = NULL;
      rc = push_message(contents, message, index, fault);
      continue;
    }
    if (responses == NULL) {
      rc = push_entry(contents, "user", &responses);
    }
    if (rc == LJ_OK) {
      rc = push_response(responses, messages, message, index, fault);
    }
  }
  return rc;
}

static bool has_image(const cJSON *message) {
  const cJSON *part;
  cJSON_ArrayForEach(part, lj_json_array(message, "content")) {
    if (is_text(lj_json_string(part, "type"), "image")) {
      return true;
    }
  }
  return false;
}

/* `system` and the instructions that the messages begin with; *first is the message behind them. */
static int push_instructions(cJSON *parts, const cJSON *request, const cJSON **first, int *index, lj_fault *fault) {
  const char *system = lj_json_string(request, "system");
  int rc = system != NULL ? lj_gemini_push_text(parts, system) : LJ_OK;
  while (rc == LJ_OK && *first != NULL && is_instruction(*first)) {
    if (has_image(*first)) {
      return lj_fault_set(fault, LJ_BAD_REQUEST,
                          "messages[%d] has an image among the instructions, which gemini does not take there; send it in a "
                          "message of the user",
                          *index);
    }
    rc = push_content(parts, *first, *index, fault);
    *first = (*first)->next;
    (*index)++;
  }
  return rc;
}

static int put_instructions(cJSON *body, const cJSON *request, const cJSON **first, int *index, lj_fault *fault) {
  cJSON *parts = cJSON_CreateArray();
  cJSON *instruction;
  int rc = parts == NULL ? LJ_NOMEM : push_instructions(parts, request, first, index, fault);
  if (rc != LJ_OK || parts->child == NULL) {
    cJSON_Delete(parts);
    return rc;
  }
  instruction = cJSON_CreateObject();
  rc = lj_json_put_value(body, "systemInstruction", instruction);
  if (rc != LJ_OK) {
    cJSON_Delete(parts);
    return rc;
  }
  return lj_json_put_value(instruction, "parts", parts);
}

int lj_gemini_put_contents(cJSON *body, const cJSON *request, lj_fault *fault) {
  const cJSON *messages = lj_json_array(request, "messages");
  const cJSON *first = messages != NULL ? messages->child : NULL;
  int index = 0;
  cJSON *contents = cJSON_CreateArray();
  int rc = lj_json_put_value(body, "contents", contents);
  if (rc == LJ_OK) {
    rc = put_instructions(body, request, &first, &index, fault);
  }
  if (rc == LJ_OK && first == NULL) {
    return lj_fault_set(fault, LJ_BAD_REQUEST, "messages has nothing but instructions; gemini needs a message of the user too");
  }
  return rc == LJ_OK ? push_messages(contents, messages, first, index, fault) : rc;
}
