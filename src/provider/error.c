/* SPDX-License-Identifier: MIT */
#include "provider/error.h"

#include <stdio.h>
#include <string.h>

#include "base/ascii.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"
#include "provider/redact.h"
#include "provider/retry_after.h"
#include "provider/rpc_status.h"

static int status_within(double number) { return number >= 400 && number <= 599 ? (int)number : 0; }

static const char *text_or_empty(const cJSON *object, const char *key) {
  const char *text = lj_json_string(object, key);
  return text != NULL ? text : "";
}

/* FastAPI: {"detail": "text"} or {"detail": [{"msg": "text"}]}. */
static const char *detail_of(const cJSON *object) {
  const cJSON *list = lj_json_array(object, "detail");
  return list != NULL ? text_or_empty(list->child, "msg") : text_or_empty(object, "detail");
}

static void read_object(const cJSON *object, lj_provider_error *out) {
  const cJSON *metadata = lj_json_object(object, "metadata");
  const char *message = text_or_empty(object, "message");
  lj_rpc_status rpc;
  out->message = message[0] != '\0' ? message : detail_of(object);
  out->code = text_or_empty(object, "code");
  out->type = text_or_empty(object, "type");
  if (out->code[0] == '\0') {
    out->code = text_or_empty(lj_json_object(object, "details"), "error_code"); /* Anthropic */
  }
  if (out->type[0] == '\0' && metadata != NULL) {
    out->type = text_or_empty(metadata, "error_type"); /* OpenRouter */
  }
  lj_rpc_status_read(object, &rpc);
  if (out->type[0] == '\0') {
    out->type = rpc.name;
  }
  if (out->code[0] == '\0') {
    out->code = rpc.reason;
  }
  out->known = rpc.code;
  out->retry_after_ms = rpc.retry_after_ms;
  out->status = status_within(lj_json_number(object, "code", 0));
  if (out->status == 0) {
    out->status = status_within(lj_json_number(object, "status", 0));
  }
}

bool lj_error_find(const cJSON *json, bool loose, lj_provider_error *out) {
  const cJSON *error;
  out->message = out->code = out->type = "";
  out->status = 0;
  out->known = LJ_OK;
  out->retry_after_ms = -1;
  if (cJSON_IsArray(json)) {
    json = json->child;
  }
  if (loose && cJSON_IsString(json)) {
    out->message = json->valuestring;
    return true;
  }
  error = lj_json_get(json, "error");
  if (cJSON_IsObject(error)) {
    read_object(error, out);
    return true;
  }
  if (cJSON_IsString(error) && error->valuestring[0] != '\0') {
    read_object(json, out);
    out->message = error->valuestring;
    return true;
  }
  if (cJSON_IsTrue(error) || lj_text_is(lj_json_string(json, "object"), "error") ||
      lj_text_is(lj_json_string(json, "type"), "error")) {
    read_object(json, out);
    return true;
  }
  if (loose && cJSON_IsObject(json)) {
    read_object(json, out);
    return out->message[0] != '\0' || out->code[0] != '\0';
  }
  return false;
}

/* The most telling of code and type, for the message. */
static const char *label_of(const lj_provider_error *error) { return error->code[0] != '\0' ? error->code : error->type; }

/* What to do about it, where the provider's own words may not say. It stands before them, because they may be cut. */
static const char *advice_of(int code) {
  switch (code) {
    case LJ_AUTH: return "; check the provider's apiKey";
    case LJ_QUOTA_EXCEEDED: return "; check the account's balance and limits";
    case LJ_MODEL_NOT_FOUND: return "; check the model's name and baseUrl";
    case LJ_CONTEXT_LENGTH: return "; shorten the prompt, or use a model with a larger context";
    default: return "";
  }
}

static void describe(lj_fault *fault, int code, const char *what, const lj_provider_error *error) {
  char words[LJ_MAX_ERROR_TEXT + 1];
  char label[65];
  const char *shown = label_of(error);
  lj_redact(words, sizeof words, error->message, strlen(error->message));
  lj_redact(label, sizeof label, shown, strlen(shown));
  (void)lj_fault_set(fault, code, "%s%s%s%s%s%s%s", what, label[0] != '\0' ? " (" : "", label, label[0] != '\0' ? ")" : "",
                     advice_of(code), words[0] != '\0' ? ": " : "", words);
}

int lj_error_report(const lj_provider_error *error, lj_fault *fault) {
  describe(fault, lj_error_class(error), "The provider reported an error inside its answer", error);
  fault->retry_after_ms = error->retry_after_ms;
  return fault->code;
}

bool lj_error_is_html(const char *raw, size_t length) {
  static const char *const openings[] = {"<!doctype", "<html", "<head", "<body", "<!--", "<?xml", "<title", "<h1", "<center"};
  size_t at = 0;
  size_t opening;
  while (at < length && (raw[at] == ' ' || raw[at] == '\t' || raw[at] == '\r' || raw[at] == '\n' ||
                         (unsigned char)raw[at] == 0xEF || (unsigned char)raw[at] == 0xBB || (unsigned char)raw[at] == 0xBF)) {
    at++;
  }
  for (opening = 0; opening < sizeof openings / sizeof openings[0]; opening++) {
    size_t size = strlen(openings[opening]);
    size_t same = 0;
    while (same < size && at + same < length && lj_ascii_lower(raw[at + same]) == openings[opening][same]) {
      same++;
    }
    if (same == size) {
      return true;
    }
  }
  return false;
}

/* The body was no JSON, or JSON without an error in it. */
static void describe_raw(lj_fault *fault, int code, const lj_head *head, const char *raw, size_t length) {
  char words[LJ_MAX_ERROR_TEXT + 1];
  if (lj_error_is_html(raw, length)) {
    (void)lj_fault_set(fault, code, "The provider answered with an HTML page (status %d): a proxy's, or baseUrl is wrong",
                       head->status);
    return;
  }
  while (length > 0 && (unsigned char)raw[0] <= ' ') {
    raw++;
    length--;
  }
  while (length > 0 && (unsigned char)raw[length - 1] <= ' ') {
    length--;
  }
  lj_redact(words, sizeof words, raw, length);
  if (words[0] == '\0') {
    (void)lj_fault_set(fault, code, "The provider answered with status %d and no explanation%s", head->status, advice_of(code));
  } else {
    (void)lj_fault_set(fault, code, "The provider answered with status %d%s: %s", head->status, advice_of(code), words);
  }
}

static void describe_status(lj_fault *fault, int code, const lj_head *head, const lj_provider_error *error) {
  char what[64];
  (void)snprintf(what, sizeof what, "The provider answered with status %d", head->status);
  describe(fault, code, what, error);
}

/* The server's explicit word stands before the status. "Don't retry" on trouble that would be retried makes it the job's
 * fault, the only class that is never tried again; "retry" on a refusal that nothing explains makes it passing trouble. It
 * doesn't touch rate limits and quota, for which the body is more exact. */
static int obey_server(const lj_head *head, int code) {
  if ((code == LJ_SERVER_ERROR || code == LJ_OVERLOADED) && lj_ascii_same(head->should_retry, "false")) {
    return LJ_BAD_REQUEST;
  }
  if (code == LJ_BAD_REQUEST && lj_ascii_same(head->should_retry, "true")) {
    return LJ_SERVER_ERROR;
  }
  return code;
}

void lj_error_classify(const lj_head *head, const cJSON *body, const char *raw, size_t raw_length, lj_fault *fault) {
  lj_provider_error error;
  bool found = lj_error_find(body, true, &error);
  if (head->status >= 300 && head->status < 400) {
    (void)lj_fault_set(fault, LJ_PROTOCOL,
                       "The provider answered with a redirect (status %d), which is not followed because it could carry the key "
                       "elsewhere; set baseUrl to the final address",
                       head->status);
  } else if (head->status < 400 || head->status > 999) {
    (void)lj_fault_set(fault, LJ_PROTOCOL, "The provider answered with status %d, which is no answer to a request",
                       head->status);
  } else {
    int code = obey_server(head, lj_error_class_of_response(head->status, &error));
    if (found) {
      describe_status(fault, code, head, &error);
    } else {
      describe_raw(fault, code, head, raw, raw_length);
    }
  }
  fault->http_status = head->status;
  fault->retry_after_ms = lj_retry_after_ms(head, lj_wall_ms());
  if (fault->retry_after_ms < 0) {
    fault->retry_after_ms = error.retry_after_ms;
  }
}
