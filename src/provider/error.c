/* SPDX-License-Identifier: MIT */
#include "provider/error.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"
#include "provider/redact.h"
#include "provider/retry_after.h"
#include "provider/rpc_status.h"

/* By an error's code or type, compared without case. A trailing '*' matches any rest. */
static const struct {
  const char *name;
  int code;
} known_names[] = {
    {"context_length_exceeded", LJ_CONTEXT_LENGTH},
    {"exceed_context_size_error", LJ_CONTEXT_LENGTH},
    {"content_filter*", LJ_CONTENT_FILTERED},
    {"content_policy*", LJ_CONTENT_FILTERED},
    {"moderation*", LJ_CONTENT_FILTERED},
    {"guardrail*", LJ_CONTENT_FILTERED},
    {"image_content_policy_violation", LJ_CONTENT_FILTERED},
    {"bio_policy", LJ_CONTENT_FILTERED},
    {"responsibleaipolicyviolation", LJ_CONTENT_FILTERED},
    {"insufficient_quota", LJ_QUOTA_EXCEEDED},
    {"credit_balance_exhausted", LJ_QUOTA_EXCEEDED},
    {"billing_*", LJ_QUOTA_EXCEEDED},
    {"enforced_spend_limit_reached", LJ_QUOTA_EXCEEDED},
    {"contract_spend_limit_reached", LJ_QUOTA_EXCEEDED},
    {"insufficient_balance", LJ_QUOTA_EXCEEDED},
    {"payment_required", LJ_QUOTA_EXCEEDED},
    {"model_not_found*", LJ_MODEL_NOT_FOUND},
    {"invalid_api_key", LJ_AUTH},
    {"authentication_error", LJ_AUTH},
    {"permission_error", LJ_AUTH},
    {"permission_denied", LJ_AUTH},
    {"rate_limit*", LJ_RATE_LIMITED},
    {"too_many_requests", LJ_RATE_LIMITED},
    {"overloaded*", LJ_OVERLOADED},
    {"server_is_overloaded", LJ_OVERLOADED},
    {"slow_down", LJ_OVERLOADED},
    {"unavailable_error", LJ_OVERLOADED},
    {"service_unavailable*", LJ_OVERLOADED},
    {"insufficient_system_resource", LJ_OVERLOADED},
    {"server_error", LJ_SERVER_ERROR},
    {"api_error", LJ_SERVER_ERROR},
    {"timeout_error", LJ_SERVER_ERROR},
    {"internal_server_error", LJ_SERVER_ERROR},
    {"internalservererror", LJ_SERVER_ERROR},
    {"invalid_request_error", LJ_BAD_REQUEST},
    {"invalid_prompt", LJ_BAD_REQUEST},
    {"invalid_image*", LJ_BAD_REQUEST},
    {"invalid_base64_image", LJ_BAD_REQUEST},
    {"image_*", LJ_BAD_REQUEST},
    {"empty_image_file", LJ_BAD_REQUEST},
    {"unsupported_image_media_type", LJ_BAD_REQUEST},
    {"failed_to_download_image", LJ_BAD_REQUEST},
    {"badrequesterror", LJ_BAD_REQUEST},
    /* Google's, which stand in `status` and in a detail's `reason` */
    {"api_key_*", LJ_AUTH},
    {"unauthenticated", LJ_AUTH},
    {"not_found", LJ_MODEL_NOT_FOUND},
    {"resource_exhausted", LJ_RATE_LIMITED},
    {"unavailable", LJ_OVERLOADED},
    {"internal", LJ_SERVER_ERROR},
    {"deadline_exceeded", LJ_SERVER_ERROR},
    {"invalid_argument", LJ_BAD_REQUEST},
    {"failed_precondition", LJ_BAD_REQUEST},
};

/* Words of servers that give no code for it: vLLM, llama.cpp, Ollama, LM Studio, Gemini, Anthropic, proxies. Lower case. */
static const char *const context_words[] = {
    "maximum context length",  "exceeds the available context size", "exceeds the context length", "context length exceeded",
    "context_length_exceeded", "exceed context window",              "exceeds the context window",
    "exceeds the maximum number of tokens", "prompt is too long", "exceed context limit",
};

static char lower(char byte) { return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte; }

/* `name` is lower case and may end in '*'. */
static bool matches(const char *text, const char *name) {
  for (; *name != '\0' && *name != '*'; text++, name++) {
    if (lower(*text) != *name) {
      return false;
    }
  }
  return *name == '*' || *text == '\0';
}

bool lj_error_says(const char *text, const char *words) {
  size_t length = strlen(words);
  for (; *text != '\0'; text++) {
    size_t at = 0;
    while (at < length && lower(text[at]) == words[at]) {
      at++;
    }
    if (at == length) {
      return true;
    }
  }
  return false;
}

static int class_of_name(const char *name) {
  size_t at;
  for (at = 0; name[0] != '\0' && at < sizeof known_names / sizeof known_names[0]; at++) {
    if (matches(name, known_names[at].name)) {
      return known_names[at].code;
    }
  }
  return LJ_OK;
}

static bool says_context(const char *message) {
  size_t at;
  for (at = 0; at < sizeof context_words / sizeof context_words[0]; at++) {
    if (lj_error_says(message, context_words[at])) {
      return true;
    }
  }
  return false;
}

/* Ollama says it in words only: model "x" not found, try pulling it first. */
static bool says_no_model(const char *message) { return lj_error_says(message, "model ") && lj_error_says(message, "not found"); }

/* What code, type and words say, whatever the status; LJ_OK when they say nothing. The code is more exact than the type,
 * and the type invalid_request_error is too broad to stand before the words. */
static int class_of_words(const lj_provider_error *error) {
  int by_code = class_of_name(error->code);
  int by_type = class_of_name(error->type);
  if (error->known != LJ_OK) {
    return error->known;
  }
  if (by_code != LJ_OK && by_code != LJ_BAD_REQUEST) {
    return by_code;
  }
  if (by_type != LJ_OK && by_type != LJ_BAD_REQUEST && by_type != LJ_SERVER_ERROR) {
    return by_type;
  }
  if (says_context(error->message)) {
    return LJ_CONTEXT_LENGTH;
  }
  if (lj_error_says(error->message, "credit balance is too low")) { /* Anthropic, as an invalid_request_error */
    return LJ_QUOTA_EXCEEDED;
  }
  if (by_code == LJ_OK && by_type != LJ_BAD_REQUEST && lj_error_says(error->message, "overloaded")) { /* as an api_error */
    return LJ_OVERLOADED;
  }
  return by_code != LJ_OK ? by_code : by_type;
}

/* OpenRouter says it in words, under the status of a refused key. */
static bool says_moderated(const char *message) {
  return lj_error_says(message, "moderation") || lj_error_says(message, "guardrail") ||
         (lj_error_says(message, "flagged") && lj_error_says(message, "input"));
}

/* OpenAI and Groq: the request alone is larger than the limit of a minute, so that no waiting helps. */
static bool says_larger_than_limit(const char *message) { return lj_error_says(message, "request too large"); }

static int class_of_status(int status) {
  switch (status) {
    case 401: case 403: return LJ_AUTH;
    case 402: return LJ_QUOTA_EXCEEDED;
    case 404: return LJ_MODEL_NOT_FOUND;
    case 408: case 409: return LJ_SERVER_ERROR;
    case 501: return LJ_BAD_REQUEST; /* llama-server: not_supported_error */
    case 429: return LJ_RATE_LIMITED;
    case 503: case 529: return LJ_OVERLOADED;
    default: break;
  }
  return status >= 500 ? LJ_SERVER_ERROR : LJ_BAD_REQUEST;
}

/* Which of an error's own words may change what its status says. */
static int class_of_response(int status, const lj_provider_error *error) {
  int by_words = class_of_words(error);
  int by_status = class_of_status(status);
  if (by_status == LJ_BAD_REQUEST) {
    bool refines = by_words == LJ_CONTEXT_LENGTH || by_words == LJ_CONTENT_FILTERED || by_words == LJ_MODEL_NOT_FOUND ||
                   by_words == LJ_QUOTA_EXCEEDED || by_words == LJ_AUTH;
    return refines ? by_words : by_status;
  }
  if (status == 429) {
    if (says_larger_than_limit(error->message)) {
      return LJ_BAD_REQUEST;
    }
    return by_words == LJ_QUOTA_EXCEEDED ? by_words : by_status;
  }
  if (status == 403) {
    if (by_words == LJ_OK && says_moderated(error->message)) {
      return LJ_CONTENT_FILTERED;
    }
    return by_words == LJ_CONTENT_FILTERED || by_words == LJ_QUOTA_EXCEEDED ? by_words : by_status;
  }
  if (status >= 500) {
    return by_words == LJ_CONTEXT_LENGTH || by_words == LJ_CONTENT_FILTERED || by_words == LJ_OVERLOADED ? by_words : by_status;
  }
  return by_status;
}

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
  if (cJSON_IsTrue(error) || lj_text_is(lj_json_string(json, "object"), "error") || lj_text_is(lj_json_string(json, "type"), "error")) {
    read_object(json, out);
    return true;
  }
  if (loose && cJSON_IsObject(json)) {
    read_object(json, out);
    return out->message[0] != '\0' || out->code[0] != '\0';
  }
  return false;
}

int lj_error_class(const lj_provider_error *error) {
  int code = class_of_words(error);
  if (code == LJ_RATE_LIMITED && says_larger_than_limit(error->message)) {
    return LJ_BAD_REQUEST;
  }
  if (code == LJ_OK && error->status != 0) {
    code = class_of_response(error->status, error);
  }
  if (code == LJ_OK && says_no_model(error->message)) {
    code = LJ_MODEL_NOT_FOUND;
  }
  return code != LJ_OK ? code : LJ_SERVER_ERROR;
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
    while (same < size && at + same < length && lower(raw[at + same]) == openings[opening][same]) {
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
  if ((code == LJ_SERVER_ERROR || code == LJ_OVERLOADED) && matches(head->should_retry, "false")) {
    return LJ_BAD_REQUEST;
  }
  if (code == LJ_BAD_REQUEST && matches(head->should_retry, "true")) {
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
    int code = obey_server(head, class_of_response(head->status, &error));
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
