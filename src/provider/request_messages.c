/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/json.h"
#include "provider/request_check.h"

static bool is_text(const cJSON *value) { return cJSON_IsString(value) && value->valuestring[0] != '\0'; }

static int check_image(const cJSON *part, const char *where, lj_fault *fault) {
  static const char *const keys[] = {"type", "url", "data", "mediaType", NULL};
  const cJSON *url = lj_json_get(part, "url");
  const cJSON *data = lj_json_get(part, "data");
  const cJSON *media_type = lj_json_get(part, "mediaType");
  int rc = lj_check_keys(part, where, keys, fault);
  if (rc != LJ_OK) {
    return rc;
  }
  if ((url == NULL) == (data == NULL)) {
    return lj_fault_set(fault, LJ_BAD_JOB, "%s must have either url, or data (base64) with mediaType", where);
  }
  if (url != NULL) {
    return is_text(url) ? LJ_OK : lj_must_be(url, lj_place_member(where, "url").text, "a string that is not empty", fault);
  }
  if (!is_text(data)) {
    return lj_must_be(data, lj_place_member(where, "data").text, "base64 text", fault);
  }
  if (strncmp(data->valuestring, "data:", 5) == 0) {
    return lj_fault_set(fault, LJ_BAD_JOB, "%s.data is a data URL, but must be base64 text alone; give a data URL as url", where);
  }
  return is_text(media_type) ? LJ_OK
                             : lj_must_be(media_type, lj_place_member(where, "mediaType").text,
                                          "a string such as \"image/png\"", fault);
}

static int check_part(const cJSON *part, const char *where, lj_fault *fault) {
  static const char *const types[] = {"text", "image", NULL};
  static const char *const keys[] = {"type", "text", NULL};
  const cJSON *text = lj_json_get(part, "text");
  int rc;
  if (!cJSON_IsObject(part)) {
    return lj_must_be(part, where, "an object {type, …}", fault);
  }
  rc = lj_check_word(lj_json_get(part, "type"), lj_place_member(where, "type").text, types, fault);
  if (rc != LJ_OK) {
    return rc;
  }
  if (strcmp(lj_json_string(part, "type"), "image") == 0) {
    return check_image(part, where, fault);
  }
  rc = lj_check_keys(part, where, keys, fault);
  if (rc == LJ_OK && !cJSON_IsString(text)) {
    rc = lj_must_be(text, lj_place_member(where, "text").text, "a string", fault);
  }
  return rc;
}

/* Only an assistant that called tools may have said nothing. */
static int check_content(const cJSON *message, const char *where, lj_fault *fault) {
  const cJSON *content = lj_json_get(message, "content");
  lj_place place = lj_place_member(where, "content");
  const cJSON *part;
  int index = 0;
  if (cJSON_IsString(content) || (content == NULL && lj_json_get(message, "toolCalls") != NULL)) {
    return LJ_OK;
  }
  if (!cJSON_IsArray(content) || content->child == NULL) {
    return lj_must_be(content, place.text, "a string or an array of parts", fault);
  }
  cJSON_ArrayForEach(part, content) {
    int rc = check_part(part, lj_place_entry(place.text, index++).text, fault);
    if (rc != LJ_OK) {
      return rc;
    }
  }
  return LJ_OK;
}

static int check_call(const cJSON *call, const char *where, lj_fault *fault) {
  static const char *const keys[] = {"id", "name", "arguments", "signature", NULL};
  const cJSON *arguments = lj_json_get(call, "arguments");
  const cJSON *signature = lj_json_get(call, "signature");
  int rc;
  if (!cJSON_IsObject(call)) {
    return lj_must_be(call, where, "an object {id, name, arguments}", fault);
  }
  rc = lj_check_keys(call, where, keys, fault);
  if (rc == LJ_OK && !is_text(lj_json_get(call, "id"))) {
    rc = lj_must_be(lj_json_get(call, "id"), lj_place_member(where, "id").text, "a string that is not empty", fault);
  }
  if (rc == LJ_OK && !is_text(lj_json_get(call, "name"))) {
    rc = lj_must_be(lj_json_get(call, "name"), lj_place_member(where, "name").text, "a string that is not empty", fault);
  }
  if (rc == LJ_OK && arguments != NULL && !cJSON_IsObject(arguments) && !cJSON_IsString(arguments)) {
    rc = lj_must_be(arguments, lj_place_member(where, "arguments").text, "an object, or its JSON text", fault);
  }
  if (rc == LJ_OK && signature != NULL && !is_text(signature)) {
    rc = lj_must_be(signature, lj_place_member(where, "signature").text, "a string that is not empty", fault);
  }
  return rc;
}

static int check_calls(const cJSON *message, const char *where, lj_fault *fault) {
  const cJSON *calls = lj_json_get(message, "toolCalls");
  lj_place place = lj_place_member(where, "toolCalls");
  const cJSON *call;
  int index = 0;
  if (calls == NULL) {
    return LJ_OK;
  }
  if (strcmp(lj_json_string(message, "role"), "assistant") != 0) {
    return lj_fault_set(fault, LJ_BAD_JOB, "%s stands in a message whose role is not assistant", place.text);
  }
  if (!cJSON_IsArray(calls) || calls->child == NULL) {
    return lj_must_be(calls, place.text, "an array of {id, name, arguments}", fault);
  }
  cJSON_ArrayForEach(call, calls) {
    int rc = check_call(call, lj_place_entry(place.text, index++).text, fault);
    if (rc != LJ_OK) {
      return rc;
    }
  }
  return LJ_OK;
}

static int check_call_id(const cJSON *message, const char *where, lj_fault *fault) {
  const cJSON *id = lj_json_get(message, "toolCallId");
  bool is_tool = strcmp(lj_json_string(message, "role"), "tool") == 0;
  if (is_tool && !is_text(id)) {
    return lj_must_be(id, lj_place_member(where, "toolCallId").text, "the id of the call that this message answers", fault);
  }
  if (!is_tool && id != NULL) {
    return lj_fault_set(fault, LJ_BAD_JOB, "%s.toolCallId stands in a message whose role is not tool", where);
  }
  return LJ_OK;
}

static int check_message(const cJSON *message, const char *where, lj_fault *fault) {
  static const char *const keys[] = {"role", "content", "toolCalls", "toolCallId", NULL};
  static const char *const roles[] = {"system", "developer", "user", "assistant", "tool", NULL};
  int rc;
  if (!cJSON_IsObject(message)) {
    return lj_must_be(message, where, "an object {role, content}", fault);
  }
  rc = lj_check_keys(message, where, keys, fault);
  if (rc == LJ_OK) {
    rc = lj_check_word(lj_json_get(message, "role"), lj_place_member(where, "role").text, roles, fault);
  }
  if (rc == LJ_OK) {
    rc = check_calls(message, where, fault);
  }
  if (rc == LJ_OK) {
    rc = check_content(message, where, fault);
  }
  return rc == LJ_OK ? check_call_id(message, where, fault) : rc;
}

int lj_check_messages(const cJSON *value, const char *where, lj_fault *fault) {
  const cJSON *message;
  int index = 0;
  if (!cJSON_IsArray(value) || value->child == NULL) {
    return lj_must_be(value, where, "an array of messages", fault);
  }
  cJSON_ArrayForEach(message, value) {
    int rc = check_message(message, lj_place_entry(where, index++).text, fault);
    if (rc != LJ_OK) {
      return rc;
    }
  }
  return LJ_OK;
}
