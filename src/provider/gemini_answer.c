/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "provider/error.h"
#include "provider/gemini.h"

/* What a finish reason means. `code` is LJ_OK for an end of the answer, or the class of trouble that made it useless: the
 * model wrote what nobody can read, which another try usually mends. */
static const struct {
  const char *name;
  lj_finish finish;
  int code;
} finishes[] = {
    {"STOP", LJ_FINISH_STOP, LJ_OK},
    {"MAX_TOKENS", LJ_FINISH_LENGTH, LJ_OK},
    {"CONTINUATION", LJ_FINISH_LENGTH, LJ_OK}, /* the server broke off and would go on in another request */
    {"SAFETY", LJ_FINISH_FILTER, LJ_OK},
    {"RECITATION", LJ_FINISH_FILTER, LJ_OK},
    {"LANGUAGE", LJ_FINISH_FILTER, LJ_OK},
    {"BLOCKLIST", LJ_FINISH_FILTER, LJ_OK},
    {"PROHIBITED_CONTENT", LJ_FINISH_FILTER, LJ_OK},
    {"SPII", LJ_FINISH_FILTER, LJ_OK},
    {"IMAGE_SAFETY", LJ_FINISH_FILTER, LJ_OK},
    {"IMAGE_PROHIBITED_CONTENT", LJ_FINISH_FILTER, LJ_OK},
    {"IMAGE_RECITATION", LJ_FINISH_FILTER, LJ_OK},
    {"MALFORMED_FUNCTION_CALL", LJ_FINISH_NONE, LJ_SERVER_ERROR},
    {"MALFORMED_RESPONSE", LJ_FINISH_NONE, LJ_SERVER_ERROR},
    {"UNEXPECTED_TOOL_CALL", LJ_FINISH_NONE, LJ_SERVER_ERROR},
    {"TOO_MANY_TOOL_CALLS", LJ_FINISH_NONE, LJ_SERVER_ERROR},
    {"MISSING_THOUGHT_SIGNATURE", LJ_FINISH_NONE, LJ_BAD_REQUEST},
};

static int64_t known(int64_t count) { return count != LJ_UNKNOWN ? count : 0; }

/* Each chunk tells the totals so far. Thoughts are paid for as output, but counted apart; results of Google's own tools are
 * input, also counted apart. A count of 0 is left out on the wire: what never came stays unknown. */
static void read_usage(lj_usage *usage, const cJSON *object) {
  int64_t spoken = usage->output_tokens != LJ_UNKNOWN ? usage->output_tokens - known(usage->reasoning_tokens) : LJ_UNKNOWN;
  int64_t prompt = LJ_UNKNOWN;
  int64_t results = LJ_UNKNOWN;
  (void)lj_usage_take(&spoken, object, "candidatesTokenCount");
  (void)lj_usage_take(&usage->reasoning_tokens, object, "thoughtsTokenCount");
  (void)lj_usage_take(&usage->cached_tokens, object, "cachedContentTokenCount");
  (void)lj_usage_take(&prompt, object, "promptTokenCount");
  (void)lj_usage_take(&results, object, "toolUsePromptTokenCount");
  if (prompt != LJ_UNKNOWN) {
    usage->input_tokens = prompt + known(results);
  }
  if (spoken != LJ_UNKNOWN || usage->reasoning_tokens != LJ_UNKNOWN) {
    usage->output_tokens = known(spoken) + known(usage->reasoning_tokens);
  }
}

static int read_call(lj_reading *reading, const cJSON *part, const cJSON *function) {
  const char *name = lj_json_string(function, "name");
  const char *signature = lj_json_string(part, "thoughtSignature");
  const cJSON *args = lj_json_object(function, "args");
  lj_tool_call *call;
  int rc;
  if (name == NULL || name[0] == '\0') {
    return lj_fault_set(&reading->fault, LJ_PROTOCOL, "The provider sent a function call without a name");
  }
  rc = lj_answer_add_call(reading->answer, lj_json_string(function, "id"), name, &call);
  if (rc == LJ_OK && args != NULL) {
    rc = lj_json_print(args, &call->arguments);
  }
  if (rc == LJ_OK && signature != NULL && signature[0] != '\0') {
    call->signature = lj_strdup(signature);
    rc = call->signature != NULL ? LJ_OK : LJ_NOMEM;
  }
  return rc;
}

/* Thoughts are no part of the answer. */
static int read_parts(lj_reading *reading, const cJSON *content) {
  const cJSON *part;
  cJSON_ArrayForEach(part, lj_json_array(content, "parts")) {
    const char *text = lj_json_string(part, "text");
    const cJSON *function = lj_json_object(part, "functionCall");
    int rc = LJ_OK;
    if (function != NULL) {
      rc = read_call(reading, part, function);
    } else if (text != NULL && !lj_json_bool(part, "thought", false)) {
      rc = lj_answer_add_text(reading->answer, text, strlen(text));
    }
    if (rc != LJ_OK) {
      return rc;
    }
  }
  return LJ_OK;
}

/* The reason is a word of the API, but its bytes come from outside. */
static int broken_off(lj_reading *reading, int code, const char *reason) {
  char word[65];
  lj_text_copy(word, sizeof word, reason, strlen(reason));
  reading->error_finish = true;
  return lj_fault_set(&reading->fault, code, "The provider broke the answer off with finishReason %s%s", word,
                      code == LJ_BAD_REQUEST ? "; send tool calls back with the signature that they came with" : "");
}

/* "OTHER", and what nobody has heard of yet, ends an answer like any other reason when there is one. */
static int read_finish(lj_reading *reading, const char *reason) {
  lj_answer *answer = reading->answer;
  size_t at;
  if (reason == NULL || reason[0] == '\0' || strcmp(reason, "FINISH_REASON_UNSPECIFIED") == 0) {
    return LJ_OK;
  }
  for (at = 0; at < sizeof finishes / sizeof finishes[0]; at++) {
    if (strcmp(finishes[at].name, reason) == 0) {
      if (finishes[at].code != LJ_OK) {
        return broken_off(reading, finishes[at].code, reason);
      }
      answer->finish = finishes[at].finish;
      reading->finish_seen = true;
      return LJ_OK;
    }
  }
  if (answer->text.length == 0 && answer->call_count == 0) {
    return broken_off(reading, LJ_SERVER_ERROR, reason);
  }
  answer->finish = LJ_FINISH_STOP;
  reading->finish_seen = true;
  return LJ_OK;
}

static int read_feedback(lj_reading *reading, const cJSON *feedback) {
  const char *reason = lj_json_string(feedback, "blockReason");
  char word[65];
  if (reason == NULL || reason[0] == '\0' || strcmp(reason, "BLOCK_REASON_UNSPECIFIED") == 0) {
    return LJ_OK;
  }
  lj_text_copy(word, sizeof word, reason, strlen(reason));
  return lj_fault_set(&reading->fault, LJ_CONTENT_FILTERED, "The provider's filter refused the prompt (blockReason %s)",
                      word);
}

static void read_names(lj_answer *answer, const cJSON *data) {
  const char *model = lj_json_string(data, "modelVersion");
  const char *id = lj_json_string(data, "responseId");
  if (model != NULL && model[0] != '\0') {
    lj_text_copy(answer->model, sizeof answer->model, model, strlen(model));
  }
  if (id != NULL && answer->request_id[0] == '\0') { /* a header of a proxy's stands before it */
    lj_text_copy(answer->request_id, sizeof answer->request_id, id, strlen(id));
  }
}

/* The first candidate counts; providerOptions may ask for several. */
static int read_candidates(lj_reading *reading, const cJSON *candidates) {
  const cJSON *candidate;
  cJSON_ArrayForEach(candidate, candidates) {
    int rc;
    if (lj_json_int(candidate, "index", 0) != 0) {
      continue;
    }
    rc = read_parts(reading, lj_json_object(candidate, "content"));
    if (rc == LJ_OK) {
      rc = read_finish(reading, lj_json_string(candidate, "finishReason"));
    }
    if (rc != LJ_OK) {
      return rc;
    }
  }
  return LJ_OK;
}

/* A chunk with a finish reason is not always the last: counts may follow, and more of the answer. Only the end of the bytes
 * ends a stream, so nothing here says that it has finished. */
int lj_gemini_read_event(lj_reading *reading, const char *event, const cJSON *data) {
  lj_provider_error error;
  int rc;
  bool named_error = strcmp(event, "error") == 0;
  if (lj_error_find(data, named_error, &error) || named_error) {
    return lj_error_report(&error, &reading->fault);
  }
  if (!cJSON_IsObject(data)) {
    return lj_fault_set(&reading->fault, LJ_PROTOCOL, "The provider sent an event that is no JSON object");
  }
  read_names(reading->answer, data);
  read_usage(&reading->answer->usage, lj_json_object(data, "usageMetadata"));
  rc = read_feedback(reading, lj_json_object(data, "promptFeedback"));
  return rc == LJ_OK ? read_candidates(reading, lj_json_array(data, "candidates")) : rc;
}

/* The API says STOP when the model stopped in order to call tools. */
int lj_gemini_read_end(lj_reading *reading) {
  lj_answer *answer = reading->answer;
  if (!reading->finish_seen) {
    return lj_fault_set(&reading->fault, LJ_PROTOCOL, "The answer ended before it was complete: no finishReason came");
  }
  if (answer->finish == LJ_FINISH_STOP && answer->call_count > 0) {
    answer->finish = LJ_FINISH_TOOL;
  }
  return LJ_OK;
}

/* A stream that is not asked for as events is an array of the same chunks. */
static int read_list(lj_reading *reading, const cJSON *list) {
  const cJSON *chunk;
  int rc = LJ_OK;
  cJSON_ArrayForEach(chunk, list) {
    if (rc == LJ_OK) {
      rc = lj_gemini_read_event(reading, "", chunk);
    }
  }
  return rc;
}

static bool is_answer(const cJSON *body) {
  return lj_json_get(body, "candidates") != NULL || lj_json_get(body, "promptFeedback") != NULL;
}

int lj_gemini_read_body(lj_reading *reading, const cJSON *body) {
  lj_provider_error error;
  int rc;
  if (reading->inputs > 0) {
    return lj_gemini_read_embeddings(reading, body);
  }
  if (!cJSON_IsArray(body) && lj_error_find(body, !is_answer(body), &error)) {
    return lj_error_report(&error, &reading->fault);
  }
  if (!cJSON_IsArray(body) && !is_answer(body)) {
    return lj_fault_set(&reading->fault, LJ_PROTOCOL,
                        "The provider's answer has no candidates; is baseUrl that of the Gemini API, with its version?");
  }
  rc = cJSON_IsArray(body) ? read_list(reading, body) : lj_gemini_read_event(reading, "", body);
  if (rc == LJ_OK) {
    rc = lj_gemini_read_end(reading);
  }
  if (rc == LJ_OK) {
    reading->finished = true;
  }
  return rc;
}
