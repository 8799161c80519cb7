/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "provider/error.h"
#include "base/ascii.h"

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

/* `name` is lower case and may end in '*'. */
static bool matches(const char *text, const char *name) {
  for (; *name != '\0' && *name != '*'; text++, name++) {
    if (lj_ascii_lower(*text) != *name) {
      return false;
    }
  }
  return *name == '*' || *text == '\0';
}

bool lj_error_says(const char *text, const char *words) {
  size_t length = strlen(words);
  for (; *text != '\0'; text++) {
    size_t at = 0;
    while (at < length && lj_ascii_lower(text[at]) == words[at]) {
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

int lj_error_class_of_response(int status, const lj_provider_error *error) {
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

int lj_error_class(const lj_provider_error *error) {
  int code = class_of_words(error);
  if (code == LJ_RATE_LIMITED && says_larger_than_limit(error->message)) {
    return LJ_BAD_REQUEST;
  }
  if (code == LJ_OK && error->status != 0) {
    code = lj_error_class_of_response(error->status, error);
  }
  if (code == LJ_OK && says_no_model(error->message)) {
    code = LJ_MODEL_NOT_FOUND;
  }
  return code != LJ_OK ? code : LJ_SERVER_ERROR;
}
