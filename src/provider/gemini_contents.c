/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "provider/gemini.h"
#include "provider/wire.h"

/* As in openai_request.c, the tree refers to the request's strings instead of copying them. */

static bool starts_with(const char *text, const char *start) { return strncmp(text, start, strlen(start)) == 0; }

int lj_gemini_push_text(cJSON *parts, const char *text) {
  cJSON *part = cJSON_CreateObject();
  int rc = lj_json_push_value(parts, part);
  return rc == LJ_OK ? lj_json_refer_string(part, "text", text) : rc;
}

int lj_gemini_push_part(cJSON *parts, const char *key, cJSON **part, cJSON **object) {
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
  rc = lj_gemini_push_part(parts, url == NULL || comma != NULL ? "inlineData" : "fileData", &part, &object);
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
    if (lj_text_is(lj_json_string(part, "type"), "image")) {
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

static bool is_role(const cJSON *message, const char *role) { return lj_text_is(lj_json_string(message, "role"), role); }

static bool is_instruction(const cJSON *message) { return is_role(message, "system") || is_role(message, "developer"); }

static int push_message(cJSON *contents, const cJSON *message, int index, lj_fault *fault) {
  cJSON *parts = NULL;
  int rc = push_entry(contents, is_role(message, "assistant") ? "model" : "user", &parts);
  if (rc == LJ_OK) {
    rc = push_content(parts, message, index, fault);
  }
  if (rc == LJ_OK) {
    rc = lj_gemini_push_calls(parts, message, index, fault);
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
      rc = lj_gemini_push_response(responses, messages, message, index, fault);
    }
  }
  return rc;
}

static bool has_image(const cJSON *message) {
  const cJSON *part;
  cJSON_ArrayForEach(part, lj_json_array(message, "content")) {
    if (lj_text_is(lj_json_string(part, "type"), "image")) {
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
