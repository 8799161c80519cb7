/* SPDX-License-Identifier: MIT */
#include "provider/answer.h"

#include <stddef.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/utf8.h"
#include "provider/object.h"

void lj_answer_init(lj_answer *answer) {
  memset(answer, 0, offsetof(lj_answer, model));
  answer->model[0] = '\0';
  answer->id[0] = '\0';
  answer->request_id[0] = '\0';
  lj_buffer_init(&answer->text, LJ_MAX_TEXT_BYTES);
  lj_buffer_init(&answer->thoughts.text, LJ_MAX_TEXT_BYTES);
  lj_buffer_init(&answer->thoughts.signature, LJ_MAX_TEXT_BYTES);
  lj_buffer_init(&answer->thoughts.blocks, LJ_MAX_TEXT_BYTES);
  answer->finish = LJ_FINISH_NONE;
  answer->usage.input_tokens = LJ_UNKNOWN;
  answer->usage.output_tokens = LJ_UNKNOWN;
  answer->usage.cached_tokens = LJ_UNKNOWN;
  answer->usage.reasoning_tokens = LJ_UNKNOWN;
}

void lj_answer_free(lj_answer *answer) {
  size_t at;
  for (at = 0; at < answer->call_count; at++) {
    lj_free(answer->calls[at].id);
    lj_free(answer->calls[at].name);
    lj_free(answer->calls[at].signature);
    lj_buffer_free(&answer->calls[at].arguments);
  }
  lj_free(answer->calls);
  lj_embeddings_free(&answer->embeddings);
  lj_buffer_free(&answer->thoughts.text);
  lj_buffer_free(&answer->thoughts.signature);
  lj_buffer_free(&answer->thoughts.blocks);
  lj_buffer_free(&answer->text);
  lj_answer_init(answer);
}

int lj_answer_add_text(lj_answer *answer, const char *text, size_t length) {
  answer->text_pieces++;
  return lj_buffer_append(&answer->text, text, length);
}

size_t lj_answer_rest(const lj_answer *answer) {
  const lj_thoughts *thoughts = &answer->thoughts;
  size_t rest = answer->call_count + answer->embeddings.count + thoughts->open;
  rest += thoughts->text.length + thoughts->signature.length + thoughts->blocks.length;
  for (size_t i = 0; i < answer->call_count; i++) rest += answer->calls[i].arguments.length;
  return rest;
}

static char *call_id(const char *id, size_t index) {
  lj_buffer made;
  char *text = NULL;
  if (id != NULL && id[0] != '\0') {
    return lj_strdup(id);
  }
  lj_buffer_init(&made, 32);
  if (lj_buffer_printf(&made, "call_%zu", index) == LJ_OK) {
    text = lj_buffer_take(&made);
  }
  lj_buffer_free(&made);
  return text;
}

int lj_answer_add_call(lj_answer *answer, const char *id, const char *name, lj_tool_call **out) {
  lj_tool_call *grown;
  lj_tool_call *call;
  *out = NULL;
  if (answer->call_count >= LJ_MAX_TOOL_CALLS) {
    return LJ_TOO_BIG;
  }
  grown = lj_realloc(answer->calls, (answer->call_count + 1) * sizeof *grown);
  if (grown == NULL) {
    return LJ_NOMEM;
  }
  answer->calls = grown;
  call = &grown[answer->call_count];
  call->id = call_id(id, answer->call_count);
  call->id_given = id != NULL && id[0] != '\0';
  call->wire_index = LJ_UNKNOWN;
  call->signature = NULL;
  call->name = lj_strdup(name != NULL ? name : "");
  lj_buffer_init(&call->arguments, LJ_MAX_TEXT_BYTES);
  if (call->id == NULL || call->name == NULL) {
    lj_free(call->id);
    lj_free(call->name);
    return LJ_NOMEM;
  }
  answer->call_count++;
  *out = call;
  return LJ_OK;
}

const char *lj_finish_name(lj_finish finish) {
  switch (finish) {
    case LJ_FINISH_STOP: return "stop";
    case LJ_FINISH_LENGTH: return "length";
    case LJ_FINISH_TOOL: return "tool";
    case LJ_FINISH_FILTER: return "filter";
    case LJ_FINISH_NONE: break;
  }
  return NULL;
}

lj_finish lj_finish_of(const lj_finish_word *words, size_t count, const char *name) {
  size_t at;
  for (at = 0; at < count; at++) {
    if (strcmp(words[at].name, name) == 0) {
      return words[at].finish;
    }
  }
  return LJ_FINISH_STOP;
}

bool lj_usage_take(int64_t *count, const cJSON *object, const char *key) {
  int64_t number = lj_json_int(object, key, LJ_UNKNOWN);
  if (number >= 0) {
    *count = number;
  }
  return number >= 0;
}

cJSON *lj_usage_json(const lj_usage *usage) {
  const struct {
    const char *key;
    int64_t tokens;
  } fields[] = {
      {"inputTokens", usage->input_tokens},
      {"outputTokens", usage->output_tokens},
      {"cachedTokens", usage->cached_tokens},
      {"reasoningTokens", usage->reasoning_tokens},
  };
  cJSON *object = cJSON_CreateObject();
  size_t at;
  for (at = 0; object != NULL && at < sizeof fields / sizeof fields[0]; at++) {
    if (fields[at].tokens != LJ_UNKNOWN && lj_json_put_number(object, fields[at].key, (double)fields[at].tokens) != LJ_OK) {
      cJSON_Delete(object);
      object = NULL;
    }
  }
  return object;
}

/* Whatever bytes the provider sent, the row gets well-formed UTF-8. At most LJ_MAX_JSON_DEPTH levels and a few deep. */
static void repair(cJSON *value) {
  for (; value != NULL; value = value->next) {
    if (value->string != NULL) {
      lj_utf8_repair(value->string, strlen(value->string));
    }
    if (cJSON_IsString(value)) {
      lj_utf8_repair(value->valuestring, strlen(value->valuestring));
    }
    repair(value->child);
  }
}

static int put_arguments(cJSON *object, const lj_buffer *arguments) {
  cJSON *value = NULL;
  int rc;
  if (arguments->length == 0) {
    return lj_json_put_value(object, "arguments", cJSON_CreateObject());
  }
  rc = lj_json_parse(arguments->data, arguments->length, &value);
  if (rc == LJ_NOMEM) {
    return rc;
  }
  if (!cJSON_IsObject(value)) {
    cJSON_Delete(value);
    value = cJSON_CreateString(arguments->data);
  }
  return lj_json_put_value(object, "arguments", value);
}

static int put_calls(cJSON *result, const lj_answer *answer) {
  cJSON *calls = cJSON_CreateArray();
  size_t at;
  int rc = calls == NULL ? LJ_NOMEM : LJ_OK;
  for (at = 0; rc == LJ_OK && at < answer->call_count; at++) {
    const lj_tool_call *call = &answer->calls[at];
    cJSON *entry = cJSON_CreateObject();
    rc = lj_json_push_value(calls, entry);
    if (rc == LJ_OK) {
      rc = lj_json_put_string(entry, "id", call->id);
    }
    if (rc == LJ_OK) {
      rc = lj_json_put_string(entry, "name", call->name);
    }
    if (rc == LJ_OK) {
      rc = put_arguments(entry, &call->arguments);
    }
    if (rc == LJ_OK && call->signature != NULL) {
      rc = lj_json_put_string(entry, "signature", call->signature);
    }
  }
  if (rc != LJ_OK) {
    cJSON_Delete(calls);
    return rc;
  }
  return lj_json_put_value(result, "toolCalls", calls);
}

static int put_object(cJSON *result, const lj_answer *answer) {
  cJSON *value = NULL;
  int rc = lj_object_parse(answer->text.data, answer->text.length, &value);
  if (rc == LJ_INVALID) {
    return LJ_OK; /* the text says so itself */
  }
  return rc == LJ_OK ? lj_json_put_value(result, "object", value) : rc;
}

static int put_usage(cJSON *result, const lj_usage *usage) {
  cJSON *object = lj_usage_json(usage);
  if (object != NULL && object->child == NULL) {
    cJSON_Delete(object);
    return LJ_OK;
  }
  return lj_json_put_value(result, "usage", object);
}

static int put_embeddings(cJSON *result, const lj_embeddings *embeddings) {
  cJSON *list = NULL;
  int rc = lj_embeddings_json(embeddings, &list);
  return rc == LJ_OK ? lj_json_put_value(result, "embeddings", list) : rc;
}

int lj_answer_json(const lj_answer *answer, int want_object, cJSON **out) {
  cJSON *result = cJSON_CreateObject();
  const char *finish = lj_finish_name(answer->finish);
  int rc = result == NULL ? LJ_NOMEM : LJ_OK;
  *out = NULL;
  if (rc == LJ_OK && (answer->text.length > 0 || (answer->call_count == 0 && answer->embeddings.count == 0))) {
    rc = lj_json_put_string(result, "text", answer->text.data);
  }
  if (rc == LJ_OK && answer->call_count > 0) {
    rc = put_calls(result, answer);
  }
  if (rc == LJ_OK && want_object) {
    rc = put_object(result, answer);
  }
  if (rc == LJ_OK && answer->embeddings.count > 0) {
    rc = put_embeddings(result, &answer->embeddings);
  }
  if (rc == LJ_OK && finish != NULL) {
    rc = lj_json_put_string(result, "finishReason", finish);
  }
  if (rc == LJ_OK) {
    rc = put_usage(result, &answer->usage);
  }
  if (rc == LJ_OK && answer->model[0] != '\0') {
    rc = lj_json_put_string(result, "model", answer->model);
  }
  if (rc == LJ_OK && answer->request_id[0] != '\0') {
    rc = lj_json_put_string(result, "requestId", answer->request_id);
  }
  if (rc != LJ_OK) {
    cJSON_Delete(result);
    return rc;
  }
  repair(result->child);
  *out = result;
  return LJ_OK;
}
