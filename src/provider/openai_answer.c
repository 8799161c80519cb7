/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/json.h"
#include "provider/error.h"
#include "provider/openai.h"

/* What is not "stop". A reason that nobody has heard of ("eos") is an end like any other. */
static const lj_finish_word finishes[] = {
    {"length", LJ_FINISH_LENGTH},         {"max_tokens", LJ_FINISH_LENGTH},     {"max_output_tokens", LJ_FINISH_LENGTH},
    {"model_length", LJ_FINISH_LENGTH},   {"tool_calls", LJ_FINISH_TOOL},       {"function_call", LJ_FINISH_TOOL},
    {"tool_use", LJ_FINISH_TOOL},         {"content_filter", LJ_FINISH_FILTER}, {"refusal", LJ_FINISH_FILTER},
    {"safety", LJ_FINISH_FILTER},
};

void lj_openai_read_usage(lj_usage *usage, const cJSON *object) {
  const cJSON *output_details = lj_json_object(object, "completion_tokens_details");
  int64_t reasoning = LJ_UNKNOWN;
  int64_t output = LJ_UNKNOWN;
  int64_t total = LJ_UNKNOWN;
  (void)lj_usage_take(&usage->input_tokens, object, "prompt_tokens");
  (void)lj_usage_take(&usage->cached_tokens, object, "prompt_cache_hit_tokens"); /* DeepSeek */
  (void)lj_usage_take(&usage->cached_tokens, lj_json_object(object, "prompt_tokens_details"), "cached_tokens");
  (void)lj_usage_take(&reasoning, output_details, "reasoning_tokens");
  (void)lj_usage_take(&output, object, "completion_tokens");
  (void)lj_usage_take(&total, object, "total_tokens");
  /* xAI leaves reasoning out of the completion, though not out of the total. */
  if (output != LJ_UNKNOWN && reasoning > output && usage->input_tokens != LJ_UNKNOWN && total >= usage->input_tokens) {
    output = total - usage->input_tokens;
  }
  if (output != LJ_UNKNOWN) {
    usage->output_tokens = output;
  }
  if (reasoning != LJ_UNKNOWN) {
    usage->reasoning_tokens = reasoning;
  }
}

static int add_text(lj_answer *answer, const char *text) {
  return text != NULL ? lj_answer_add_text(answer, text, strlen(text)) : LJ_OK;
}

/* Text, or an array of parts of which only those of type text are the answer (Mistral sends thinking parts too). */
static int read_content(lj_answer *answer, const cJSON *content) {
  const cJSON *part;
  int rc = LJ_OK;
  if (cJSON_IsString(content)) {
    return add_text(answer, content->valuestring);
  }
  if (cJSON_IsArray(content)) {
    cJSON_ArrayForEach(part, content) {
      if (rc == LJ_OK && lj_text_is(lj_json_string(part, "type"), "text")) {
        rc = add_text(answer, lj_json_string(part, "text"));
      }
    }
  }
  return rc;
}

/* A refusal is what the model said instead of an answer: its words are kept as the text, and the finish reason tells. */
static int read_refusal(lj_answer *answer, const char *refusal) {
  if (refusal == NULL || refusal[0] == '\0') {
    return LJ_OK;
  }
  answer->finish = LJ_FINISH_FILTER;
  return add_text(answer, refusal);
}

static int read_message(lj_answer *answer, const cJSON *message) {
  int rc = read_content(answer, lj_json_get(message, "content"));
  if (rc == LJ_OK) {
    rc = read_refusal(answer, lj_json_string(message, "refusal"));
  }
  if (rc == LJ_OK) {
    rc = lj_openai_read_tool_calls(answer, lj_json_array(message, "tool_calls"));
  }
  return rc == LJ_OK ? lj_openai_read_function_call(answer, lj_json_object(message, "function_call")) : rc;
}

static int read_finish(lj_reading *reading, const char *reason) {
  lj_answer *answer = reading->answer;
  if (reason == NULL || reason[0] == '\0') {
    return LJ_OK;
  }
  if (strcmp(reason, "insufficient_system_resource") == 0) {
    reading->error_finish = true;
    return lj_fault_set(&reading->fault, LJ_OVERLOADED,
                        "The provider broke the answer off for lack of resources (insufficient_system_resource)");
  }
  if (strcmp(reason, "error") == 0) {
    reading->error_finish = true;
    return lj_fault_set(&reading->fault, LJ_SERVER_ERROR, "The provider broke the answer off with finish reason \"error\"");
  }
  reading->finish_seen = true;
  if (answer->finish != LJ_FINISH_FILTER) { /* a refusal ends with "stop" */
    answer->finish = lj_finish_of(finishes, sizeof finishes / sizeof finishes[0], reason);
  }
  return LJ_OK;
}

static int read_choice(lj_reading *reading, const cJSON *choice) {
  const cJSON *message = lj_json_object(choice, "delta");
  lj_provider_error error;
  int rc;
  if (lj_error_find(choice, false, &error)) {
    return lj_error_report(&error, &reading->fault);
  }
  lj_openai_read_usage(&reading->answer->usage, lj_json_object(choice, "usage"));
  if (message == NULL) {
    message = lj_json_object(choice, "message");
  }
  rc = read_message(reading->answer, message);
  return rc == LJ_OK ? read_finish(reading, lj_json_string(choice, "finish_reason")) : rc;
}

/* What a chunk of a stream and a whole answer have in common. */
static int read_answer(lj_reading *reading, const cJSON *data) {
  const char *model = lj_json_string(data, "model");
  const cJSON *choice;
  int rc = LJ_OK;
  if (model != NULL && model[0] != '\0') {
    lj_text_copy(reading->answer->model, sizeof reading->answer->model, model, strlen(model));
  }
  cJSON_ArrayForEach(choice, lj_json_array(data, "choices")) {
    if (rc == LJ_OK && lj_json_int(choice, "index", 0) == 0) { /* providerOptions may ask for several: the first counts */
      rc = read_choice(reading, choice);
    }
  }
  lj_openai_read_usage(&reading->answer->usage, lj_json_object(lj_json_object(data, "x_groq"), "usage"));
  lj_openai_read_usage(&reading->answer->usage, lj_json_object(data, "usage"));
  return rc;
}

int lj_openai_read_event(lj_reading *reading, const char *event, const cJSON *data) {
  lj_provider_error error;
  if (lj_error_find(data, lj_text_is(event, "error"), &error) || lj_text_is(event, "error")) {
    return lj_error_report(&error, &reading->fault);
  }
  if (!cJSON_IsObject(data)) {
    return lj_fault_set(&reading->fault, LJ_PROTOCOL, "The provider sent an event that is no JSON object");
  }
  return read_answer(reading, data);
}

static bool is_blank(char byte) { return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r'; }

int lj_openai_read_text(lj_reading *reading, const char *text, size_t length) {
  static const char done[] = "[DONE]";
  while (length > 0 && is_blank(text[length - 1])) {
    length--;
  }
  while (length > 0 && is_blank(*text)) {
    text++;
    length--;
  }
  if (length != sizeof done - 1 || memcmp(text, done, length) != 0) {
    return lj_fault_set(&reading->fault, LJ_PROTOCOL, "The provider sent an event that is neither JSON nor [DONE]");
  }
  reading->finished = true;
  return LJ_OK;
}

/* Many servers say "stop" when the model stopped in order to call tools. */
static void settle_finish(lj_answer *answer) {
  if (answer->finish == LJ_FINISH_STOP && answer->call_count > 0) {
    answer->finish = LJ_FINISH_TOOL;
  }
}

int lj_openai_read_body(lj_reading *reading, const cJSON *body) {
  lj_provider_error error;
  const cJSON *choices = lj_json_array(body, "choices");
  int rc;
  if (reading->inputs > 0) {
    return lj_openai_read_embeddings(reading, body);
  }
  if (lj_error_find(body, choices == NULL, &error)) {
    return lj_error_report(&error, &reading->fault);
  }
  if (choices == NULL || choices->child == NULL) {
    return lj_fault_set(&reading->fault, LJ_PROTOCOL, "The provider's answer has no choices; is baseUrl that of a chat API?");
  }
  rc = read_answer(reading, body);
  if (rc == LJ_OK) {
    settle_finish(reading->answer);
    reading->finished = true;
  }
  return rc;
}

int lj_openai_read_end_without_done(lj_reading *reading) {
  if (!reading->finish_seen) {
    return lj_fault_set(&reading->fault, LJ_PROTOCOL, "The stream ended before the answer was complete: no finish_reason came");
  }
  settle_finish(reading->answer);
  return LJ_OK;
}

int lj_openai_read_end(lj_reading *reading) {
  if (reading->finish_seen && !reading->finished) {
    return lj_fault_set(&reading->fault, LJ_PROTOCOL, "The stream ended before the answer was complete: no [DONE] came");
  }
  return lj_openai_read_end_without_done(reading);
}
