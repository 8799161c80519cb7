/* SPDX-License-Identifier: MIT */
#include "provider/ollama.h"

#include <string.h>

#include "base/json.h"
#include "provider/embedding_read.h"
#include "provider/error.h"
#include "provider/models.h"
#include "provider/wire.h"

/* Ollama sends each call whole. Its index stands inside the function and starts anew in each line, so it can't tell whether
 * a piece continues a call, and every entry is a call. */
static int read_calls(lj_answer *answer, const cJSON *list) {
  const cJSON *entry;
  cJSON_ArrayForEach(entry, list) {
    const cJSON *function = lj_json_object(entry, "function");
    const cJSON *arguments = lj_json_get(function, "arguments");
    lj_tool_call *call;
    int rc = lj_answer_add_call(answer, lj_json_string(entry, "id"), lj_json_string(function, "name"), &call);
    if (rc == LJ_OK && cJSON_IsString(arguments)) {
      rc = lj_buffer_append_text(&call->arguments, arguments->valuestring);
    } else if (rc == LJ_OK && arguments != NULL) {
      rc = lj_json_print(arguments, &call->arguments);
    }
    if (rc != LJ_OK) {
      return rc;
    }
  }
  return LJ_OK;
}

/* The last line. A count of 0 is left out by Ollama, and so is one that it does not know: both stay unknown. "load" and
 * "unload" answer a request without messages. */
static void read_done(lj_reading *reading, const cJSON *data) {
  lj_answer *answer = reading->answer;
  const char *reason = lj_json_string(data, "done_reason");
  (void)lj_usage_take(&answer->usage.input_tokens, data, "prompt_eval_count");
  (void)lj_usage_take(&answer->usage.output_tokens, data, "eval_count");
  if (reason != NULL && strcmp(reason, "length") == 0) {
    answer->finish = LJ_FINISH_LENGTH;
  } else {
    answer->finish = answer->call_count > 0 ? LJ_FINISH_TOOL : LJ_FINISH_STOP;
  }
  reading->finish_seen = true;
  reading->finished = true;
}

static int read_event(lj_reading *reading, const char *event, const cJSON *data) {
  const cJSON *message = lj_json_object(data, "message");
  const char *content = lj_json_string(message, "content");
  const char *model = lj_json_string(data, "model");
  lj_provider_error error;
  int rc = LJ_OK;
  (void)event; /* lines have no names */
  if (lj_error_find(data, false, &error)) {
    return lj_error_report(&error, &reading->fault);
  }
  if (!cJSON_IsObject(data)) {
    return lj_fault_set(&reading->fault, LJ_PROTOCOL, "The provider sent a line that is no JSON object");
  }
  if (model != NULL && model[0] != '\0') {
    lj_text_copy(reading->answer->model, sizeof reading->answer->model, model, strlen(model));
  }
  if (content != NULL) {
    rc = lj_answer_add_text(reading->answer, content, strlen(content));
  }
  if (rc == LJ_OK) {
    rc = read_calls(reading->answer, lj_json_array(message, "tool_calls"));
  }
  if (rc == LJ_OK && lj_json_bool(data, "done", false)) {
    read_done(reading, data);
  }
  return rc;
}

static int read_end(lj_reading *reading) {
  return reading->finished ? LJ_OK
                           : lj_fault_set(&reading->fault, LJ_PROTOCOL,
                                          "The stream ended before the answer was complete: no line with \"done\": true came");
}

/* The vectors stand in the order of the inputs. */
static int read_embeddings(lj_reading *reading, const cJSON *body) {
  const cJSON *list = lj_json_array(body, "embeddings");
  const char *model = lj_json_string(body, "model");
  const cJSON *vector;
  lj_provider_error error;
  int64_t index = 0;
  int rc;
  if (lj_error_find(body, list == NULL, &error)) {
    return lj_error_report(&error, &reading->fault);
  }
  if (list == NULL) {
    return lj_fault_set(&reading->fault, LJ_PROTOCOL, "The provider's answer has no embeddings; is baseUrl that of Ollama?");
  }
  rc = lj_read_embeddings_begin(reading);
  cJSON_ArrayForEach(vector, list) {
    if (rc == LJ_OK) {
      rc = lj_read_embedding(reading, index++, vector);
    }
  }
  if (rc != LJ_OK) {
    return rc;
  }
  if (model != NULL) {
    lj_text_copy(reading->answer->model, sizeof reading->answer->model, model, strlen(model));
  }
  (void)lj_usage_take(&reading->answer->usage.input_tokens, body, "prompt_eval_count");
  return lj_read_embeddings_end(reading);
}

static int read_body(lj_reading *reading, const cJSON *body) {
  lj_provider_error error;
  int rc;
  if (reading->inputs > 0) {
    return read_embeddings(reading, body);
  }
  if (lj_json_get(body, "message") == NULL && lj_json_get(body, "done") == NULL && lj_error_find(body, true, &error)) {
    return lj_error_report(&error, &reading->fault);
  }
  rc = read_event(reading, "", body);
  return rc == LJ_OK ? read_end(reading) : rc;
}

static int build_models(const lj_endpoint *endpoint, lj_wire *wire, lj_fault *fault) {
  wire->ask = LJ_ASK_MODELS;
  return lj_wire_start_get(wire, endpoint, lj_ollama.default_base_url, "/api/tags", fault);
}

static int read_models(const cJSON *body, cJSON *names, lj_fault *fault) {
  return lj_models_read(body, "models", "name", NULL, names, fault);
}

const lj_provider lj_ollama = {
    .kind = "ollama",
    .default_base_url = "http://127.0.0.1:11434",
    .needs_key = false,
    .default_max_concurrent = 4,
    .framing = LJ_FRAMING_NDJSON,
    .build = lj_ollama_build,
    .build_models = build_models,
    .read_models = read_models,
    .read_event = read_event,
    .read_text = NULL,
    .read_body = read_body,
    .read_end = read_end,
    .classify = lj_error_classify,
};
