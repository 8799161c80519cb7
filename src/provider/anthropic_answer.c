/* SPDX-License-Identifier: MIT
 *
 * An answer is a list of blocks: texts, which belong together without anything between, calls of tools, and thoughts. A stream
 * brings each in pieces; what runs on the server's side (its own tools, citations) is not the answer and passes by.
 */
#include <string.h>

#include "base/json.h"
#include "provider/anthropic.h"
#include "provider/error.h"

/* What is not "end_turn" or "stop_sequence". A reason that nobody has heard of is an end like any other. */
static const lj_finish_word finishes[] = {
    {"max_tokens", LJ_FINISH_LENGTH},
    {"model_context_window_exceeded", LJ_FINISH_LENGTH},
    {"pause_turn", LJ_FINISH_LENGTH}, /* the server's tools take too long: there would be more */
    {"tool_use", LJ_FINISH_TOOL},
    {"refusal", LJ_FINISH_FILTER},
};

static void take_finish(lj_reading *reading, const char *reason) {
  lj_answer *answer = reading->answer;
  if (reason == NULL || reason[0] == '\0') {
    return;
  }
  answer->finish = lj_finish_of(finishes, sizeof finishes / sizeof finishes[0], reason);
  if (answer->finish == LJ_FINISH_STOP && answer->call_count > 0) { /* of compatible servers */
    answer->finish = LJ_FINISH_TOOL;
  }
  reading->finish_seen = true;
}

/* Counts are of the whole answer so far, not of the event. input_tokens is only what no cache had. */
static void read_usage(lj_reading *reading, const cJSON *object) {
  lj_usage *usage = &reading->answer->usage;
  lj_input_parts *input = &reading->input;
  bool told = lj_usage_take(&input->fresh, object, "input_tokens") || usage->input_tokens != LJ_UNKNOWN;
  (void)lj_usage_take(&input->cache_written, object, "cache_creation_input_tokens");
  if (lj_usage_take(&input->cache_read, object, "cache_read_input_tokens")) {
    usage->cached_tokens = input->cache_read;
  }
  if (told) {
    usage->input_tokens = input->fresh + input->cache_written + input->cache_read;
  }
  (void)lj_usage_take(&usage->output_tokens, object, "output_tokens");
  (void)lj_usage_take(&usage->reasoning_tokens, lj_json_object(object, "output_tokens_details"), "thinking_tokens");
}

static void take_model(lj_answer *answer, const cJSON *message) {
  const char *model = lj_json_string(message, "model");
  if (model != NULL && model[0] != '\0') {
    lj_text_copy(answer->model, sizeof answer->model, model, strlen(model));
  }
}

static int add_text(lj_answer *answer, const char *text) {
  return text != NULL ? lj_answer_add_text(answer, text, strlen(text)) : LJ_OK;
}

/* The call that a block of this index began. An input that came whole with the block's begin stands under −2 − index until a
 * piece of it arrives, which then begins it anew. */
static int64_t whole_index(int64_t index) { return -2 - index; }

static lj_tool_call *call_with_index(lj_answer *answer, int64_t index) {
  size_t at = answer->call_count;
  while (at > 0) {
    at--;
    if (answer->calls[at].wire_index == index || answer->calls[at].wire_index == whole_index(index)) {
      return &answer->calls[at];
    }
  }
  return NULL;
}

static int begin_call(lj_answer *answer, int64_t index, const cJSON *block) {
  const cJSON *input = lj_json_object(block, "input");
  lj_tool_call *call = NULL;
  int rc = lj_answer_add_call(answer, lj_json_string(block, "id"), lj_json_string(block, "name"), &call);
  if (rc == LJ_OK) {
    call->wire_index = index;
    rc = lj_anthropic_give_thoughts(answer, call);
  }
  if (rc == LJ_OK && input != NULL && input->child != NULL) {
    call->wire_index = whole_index(index);
    rc = lj_json_print(input, &call->arguments);
  }
  return rc;
}

/* Pieces of a block that is no call are a server tool's. */
static int add_input(lj_answer *answer, int64_t index, const char *piece) {
  lj_tool_call *call = piece != NULL && piece[0] != '\0' ? call_with_index(answer, index) : NULL;
  if (call == NULL) {
    return LJ_OK;
  }
  if (call->wire_index != index) {
    call->wire_index = index;
    lj_buffer_clear(&call->arguments);
  }
  return lj_buffer_append_text(&call->arguments, piece);
}

/* A block, whole or as it begins. */
static int read_block(lj_answer *answer, int64_t index, const cJSON *block) {
  const char *type = lj_json_string(block, "type");
  int rc = lj_anthropic_end_thought(answer);
  if (rc != LJ_OK) {
    return rc;
  }
  if (lj_text_is(type, "text")) {
    return add_text(answer, lj_json_string(block, "text"));
  }
  if (lj_text_is(type, "tool_use")) {
    return begin_call(answer, index, block);
  }
  if (lj_text_is(type, "thinking") || lj_text_is(type, "redacted_thinking")) {
    return lj_anthropic_begin_thought(answer, block);
  }
  return LJ_OK;
}

static int read_delta(lj_answer *answer, int64_t index, const cJSON *delta) {
  const char *type = lj_json_string(delta, "type");
  if (lj_text_is(type, "text_delta")) {
    return add_text(answer, lj_json_string(delta, "text"));
  }
  if (lj_text_is(type, "input_json_delta")) {
    return add_input(answer, index, lj_json_string(delta, "partial_json"));
  }
  if (lj_text_is(type, "thinking_delta")) {
    return lj_anthropic_continue_thought(answer, lj_json_string(delta, "thinking"), NULL);
  }
  if (lj_text_is(type, "signature_delta")) {
    return lj_anthropic_continue_thought(answer, NULL, lj_json_string(delta, "signature"));
  }
  return LJ_OK;
}

/* Some compatible servers begin twice. What was said before the second begin may have been shown already, so that an answer
 * can't begin anew. */
static int read_start(lj_reading *reading, const cJSON *message) {
  lj_answer *answer = reading->answer;
  if (answer->text.length > 0 || answer->call_count > 0 || reading->finish_seen) {
    return lj_fault_set(&reading->fault, LJ_PROTOCOL,
                        "The provider began a second answer in the middle of the first (a second message_start)");
  }
  answer->thoughts.open = false;
  lj_buffer_clear(&answer->thoughts.blocks);
  take_model(answer, message);
  read_usage(reading, lj_json_object(message, "usage"));
  return LJ_OK;
}

static int report(lj_reading *reading, const cJSON *data, const lj_provider_error *error) {
  const char *id = lj_json_string(data, "request_id");
  lj_answer *answer = reading->answer;
  if (id != NULL && answer->request_id[0] == '\0') {
    lj_text_copy(answer->request_id, sizeof answer->request_id, id, strlen(id));
  }
  return lj_error_report(error, &reading->fault);
}

int lj_anthropic_read_event(lj_reading *reading, const char *event, const cJSON *data) {
  const char *type = lj_json_string(data, "type"); /* the event's name says the same, where there is one */
  int64_t index = lj_json_int(data, "index", 0);
  lj_provider_error error;
  bool named = lj_text_is(event, "error");
  if (lj_error_find(data, named, &error) || named) {
    return report(reading, data, &error);
  }
  if (!cJSON_IsObject(data)) {
    return lj_fault_set(&reading->fault, LJ_PROTOCOL, "The provider sent an event that is no JSON object");
  }
  index = index >= 0 ? index : 0;
  if (lj_text_is(type, "message_start")) {
    return read_start(reading, lj_json_object(data, "message"));
  }
  if (lj_text_is(type, "content_block_start")) {
    return read_block(reading->answer, index, lj_json_object(data, "content_block"));
  }
  if (lj_text_is(type, "content_block_delta")) {
    return read_delta(reading->answer, index, lj_json_object(data, "delta"));
  }
  if (lj_text_is(type, "content_block_stop")) {
    return lj_anthropic_end_thought(reading->answer);
  }
  if (lj_text_is(type, "message_delta")) {
    take_finish(reading, lj_json_string(lj_json_object(data, "delta"), "stop_reason"));
    read_usage(reading, lj_json_object(data, "usage"));
  } else if (lj_text_is(type, "message_stop")) {
    reading->finished = true;
  }
  return LJ_OK;
}

int lj_anthropic_read_body(lj_reading *reading, const cJSON *body) {
  const cJSON *content = lj_json_array(body, "content");
  const cJSON *block;
  lj_provider_error error;
  int64_t index = 0;
  int rc = LJ_OK;
  if (lj_error_find(body, content == NULL, &error)) {
    return report(reading, body, &error);
  }
  if (content == NULL) {
    return lj_fault_set(&reading->fault, LJ_PROTOCOL, "The provider's answer has no content; is baseUrl that of a Messages API?");
  }
  take_model(reading->answer, body);
  cJSON_ArrayForEach(block, content) {
    if (rc == LJ_OK) {
      rc = read_block(reading->answer, index++, block);
    }
  }
  take_finish(reading, lj_json_string(body, "stop_reason"));
  read_usage(reading, lj_json_object(body, "usage"));
  reading->finished = rc == LJ_OK;
  return rc;
}

int lj_anthropic_read_end(lj_reading *reading) {
  return reading->finished ? LJ_OK
                           : lj_fault_set(&reading->fault, LJ_PROTOCOL,
                                          "The stream ended before the answer was complete: no message_stop came");
}
