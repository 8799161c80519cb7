/* SPDX-License-Identifier: MIT
 *
 * An answer is a list of items. A stream tells of each piece by piece and in the end once more as a whole, of which only what
 * did not come in pieces is taken: some servers send no pieces, others an empty list in the end.
 */
#include <string.h>

#include "base/json.h"
#include "provider/error.h"
#include "provider/responses.h"

static int add_text(lj_answer *answer, const char *text) {
  return text != NULL ? lj_answer_add_text(answer, text, strlen(text)) : LJ_OK;
}

static void read_usage(lj_usage *usage, const cJSON *object) {
  (void)lj_usage_take(&usage->input_tokens, object, "input_tokens");
  (void)lj_usage_take(&usage->output_tokens, object, "output_tokens");
  (void)lj_usage_take(&usage->cached_tokens, lj_json_object(object, "input_tokens_details"), "cached_tokens");
  (void)lj_usage_take(&usage->reasoning_tokens, lj_json_object(object, "output_tokens_details"), "reasoning_tokens");
}

/* What every form of the response has, from the first event on. */
static void read_head(lj_answer *answer, const cJSON *response) {
  const char *id = lj_json_string(response, "id");
  const char *model = lj_json_string(response, "model");
  if (id != NULL && answer->id[0] == '\0') { /* the first: GitHub's server gives another one in each event */
    lj_text_copy(answer->id, sizeof answer->id, id, strlen(id));
  }
  if (model != NULL && model[0] != '\0') {
    lj_text_copy(answer->model, sizeof answer->model, model, strlen(model));
  }
  read_usage(&answer->usage, lj_json_object(response, "usage"));
}

static lj_tool_call *call_at(lj_answer *answer, int64_t index) {
  size_t at;
  for (at = 0; index >= 0 && at < answer->call_count; at++) {
    if (answer->calls[at].wire_index == index) {
      return &answer->calls[at];
    }
  }
  return NULL;
}

static int set_arguments(lj_tool_call *call, const char *arguments) {
  if (call == NULL || arguments == NULL || arguments[0] == '\0') {
    return LJ_OK;
  }
  lj_buffer_clear(&call->arguments);
  return lj_buffer_append_text(&call->arguments, arguments);
}

static lj_tool_call *call_with_id(lj_answer *answer, const char *id) {
  size_t at;
  for (at = 0; id != NULL && at < answer->call_count; at++) {
    if (answer->calls[at].id_given && strcmp(answer->calls[at].id, id) == 0) {
      return &answer->calls[at];
    }
  }
  return NULL;
}

/* A function call, told at its beginning, at its end and with the whole answer; what it says is whole. */
static int read_call(lj_answer *answer, const cJSON *item, int64_t index) {
  lj_tool_call *call = call_with_id(answer, lj_json_string(item, "call_id"));
  int rc = LJ_OK;
  if (call == NULL) {
    call = call_at(answer, index);
  }
  if (call == NULL) {
    rc = lj_answer_add_call(answer, lj_json_string(item, "call_id"), lj_json_string(item, "name"), &call);
    if (rc == LJ_OK) {
      call->wire_index = index;
    }
  }
  return rc == LJ_OK ? set_arguments(call, lj_json_string(item, "arguments")) : rc;
}

static int read_refusal(lj_answer *answer, const char *refusal) {
  if (refusal != NULL && refusal[0] != '\0') {
    answer->finish = LJ_FINISH_FILTER;
  }
  return add_text(answer, refusal);
}

static int read_content(lj_answer *answer, const cJSON *item) {
  const cJSON *part;
  int rc = LJ_OK;
  cJSON_ArrayForEach(part, lj_json_array(item, "content")) {
    const char *type = lj_json_string(part, "type");
    if (rc == LJ_OK && lj_text_is(type, "output_text")) {
      rc = add_text(answer, lj_json_string(part, "text"));
    } else if (rc == LJ_OK && lj_text_is(type, "refusal")) {
      rc = read_refusal(answer, lj_json_string(part, "refusal"));
    }
  }
  return rc;
}

static int read_output(lj_answer *answer, const cJSON *output) {
  bool text = answer->text.length == 0;
  const cJSON *item;
  int64_t index = 0;
  int rc = LJ_OK;
  cJSON_ArrayForEach(item, output) {
    const char *type = lj_json_string(item, "type");
    if (rc == LJ_OK && text && lj_text_is(type, "message")) {
      rc = read_content(answer, item);
    } else if (rc == LJ_OK && lj_text_is(type, "function_call")) {
      rc = read_call(answer, item, index);
    }
    index++;
  }
  return rc;
}

static int fail(lj_reading *reading, const cJSON *response) {
  lj_provider_error error;
  if (lj_error_find(response, false, &error)) {
    return lj_error_report(&error, &reading->fault);
  }
  return lj_fault_set(&reading->fault, LJ_SERVER_ERROR, "The provider broke the answer off and gave no reason (status failed)");
}

/* Only limits and filters end an answer that is worth keeping; a "server_timeout" is trouble like a failure. */
static int read_incomplete(lj_reading *reading, const cJSON *response) {
  const char *reason = lj_json_string(lj_json_object(response, "incomplete_details"), "reason");
  if (reason == NULL || strncmp(reason, "max_", 4) == 0) {
    reading->answer->finish = LJ_FINISH_LENGTH;
    return LJ_OK;
  }
  if (lj_text_is(reason, "content_filter")) {
    reading->answer->finish = LJ_FINISH_FILTER;
    return LJ_OK;
  }
  return lj_fault_set(&reading->fault, LJ_SERVER_ERROR, "The provider broke the answer off (incomplete: %.64s)", reason);
}

/* A response that has come to its end, as its status says. */
static int read_ended(lj_reading *reading, const cJSON *response, const char *status) {
  lj_answer *answer = reading->answer;
  int rc;
  answer->over = true;
  read_head(answer, response);
  if (lj_text_is(status, "failed")) {
    return fail(reading, response);
  }
  if (lj_text_is(status, "cancelled")) {
    return lj_fault_set(&reading->fault, LJ_SERVER_ERROR, "The answer was cancelled at the provider, not by this worker");
  }
  rc = read_output(answer, lj_json_array(response, "output"));
  if (rc != LJ_OK) {
    return rc;
  }
  if (lj_text_is(status, "incomplete")) {
    rc = read_incomplete(reading, response);
    if (rc != LJ_OK) {
      return rc;
    }
  } else if (answer->finish != LJ_FINISH_FILTER) {
    answer->finish = answer->call_count > 0 ? LJ_FINISH_TOOL : LJ_FINISH_STOP;
  }
  answer->pending = false;
  reading->finish_seen = true;
  reading->finished = true;
  return LJ_OK;
}

static int read_delta(lj_reading *reading, const char *type, const cJSON *data) {
  const char *delta = lj_json_string(data, "delta");
  lj_tool_call *call;
  if (lj_text_is(type, "response.output_text.delta")) {
    return add_text(reading->answer, delta);
  }
  if (lj_text_is(type, "response.refusal.delta")) {
    return read_refusal(reading->answer, delta);
  }
  if (lj_text_is(type, "response.function_call_arguments.delta") && delta != NULL) {
    call = call_at(reading->answer, lj_json_int(data, "output_index", LJ_UNKNOWN));
    return call != NULL ? lj_buffer_append_text(&call->arguments, delta) : LJ_OK;
  }
  return LJ_OK; /* of reasoning, audio and what else there may be */
}

static int read_item(lj_reading *reading, const char *type, const cJSON *data) {
  const cJSON *item = lj_json_object(data, "item");
  int64_t index = lj_json_int(data, "output_index", LJ_UNKNOWN);
  if (lj_text_is(type, "response.function_call_arguments.done")) {
    return set_arguments(call_at(reading->answer, index), lj_json_string(data, "arguments"));
  }
  return lj_text_is(lj_json_string(item, "type"), "function_call") ? read_call(reading->answer, item, index) : LJ_OK;
}

static const struct {
  const char *type;
  const char *status; /* NULL: not the end */
} stages[] = {
    {"response.created", NULL},         {"response.queued", NULL},
    {"response.in_progress", NULL},     {"response.completed", "completed"},
    {"response.failed", "failed"},      {"response.incomplete", "incomplete"},
    {"response.cancelled", "cancelled"},
};

int lj_responses_read_event(lj_reading *reading, const char *event, const cJSON *data) {
  const char *type = lj_json_string(data, "type");
  lj_provider_error error;
  size_t at;
  type = type != NULL ? type : event;
  if (lj_error_find(data, lj_text_is(event, "error"), &error) || lj_text_is(type, "error")) {
    return lj_error_report(&error, &reading->fault);
  }
  if (!cJSON_IsObject(data)) {
    return lj_fault_set(&reading->fault, LJ_PROTOCOL, "The provider sent an event that is no JSON object");
  }
  for (at = 0; at < sizeof stages / sizeof stages[0]; at++) {
    if (lj_text_is(type, stages[at].type)) {
      const cJSON *response = lj_json_object(data, "response");
      if (stages[at].status != NULL) {
        return read_ended(reading, response, stages[at].status);
      }
      read_head(reading->answer, response);
      return LJ_OK;
    }
  }
  if (lj_text_is(type, "response.output_item.added") || lj_text_is(type, "response.output_item.done") ||
      lj_text_is(type, "response.function_call_arguments.done")) {
    return read_item(reading, type, data);
  }
  return read_delta(reading, type, data);
}

int lj_responses_read_body(lj_reading *reading, const cJSON *body) {
  const char *status = lj_json_string(body, "status");
  const cJSON *output = lj_json_array(body, "output");
  lj_provider_error error;
  if (reading->inputs > 0) {
    return lj_openai_read_embeddings(reading, body);
  }
  reading->answer->over = lj_text_is(status, "failed");
  if (lj_error_find(body, output == NULL && status == NULL, &error)) {
    return lj_error_report(&error, &reading->fault);
  }
  if (output == NULL && status == NULL) {
    return lj_fault_set(&reading->fault, LJ_PROTOCOL,
                        "The provider's answer has no output; does the server know the Responses API? Set the provider's api to "
                        "\"chat\" if not");
  }
  if (lj_text_is(status, "queued") || lj_text_is(status, "in_progress")) {
    read_head(reading->answer, body);
    reading->answer->pending = true;
    return reading->background ? LJ_OK
                               : lj_fault_set(&reading->fault, LJ_PROTOCOL, "The provider's answer is not complete (status %.20s)",
                                              status);
  }
  return read_ended(reading, body, status);
}

int lj_responses_read_end(lj_reading *reading) {
  return reading->finish_seen
             ? LJ_OK
             : lj_fault_set(&reading->fault, LJ_PROTOCOL,
                            "The stream ended before the answer was complete: no response.completed came");
}
