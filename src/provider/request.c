/* SPDX-License-Identifier: MIT */
#include "provider/request.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/limits.h"
#include "provider/object.h"
#include "provider/request_check.h"
#include "provider/template.h"

/* Where the values of one request come from. */
typedef struct sources {
  const cJSON *type;
  const cJSON *data;
  bool own_words; /* `data` has one of prompt, messages and input, so those of the type don't count */
} sources;

static bool is_words(const char *name) {
  return strcmp(name, "prompt") == 0 || strcmp(name, "messages") == 0 || strcmp(name, "input") == 0;
}

/* The value of a field and, for messages, its place; NULL, without a place, when there is none. */
static const cJSON *find(const sources *from, const char *name, lj_place *place) {
  const cJSON *value = lj_json_get(from->data, name);
  if (value != NULL) {
    *place = lj_place_member("data", name);
    return value;
  }
  if (from->own_words && is_words(name)) {
    return NULL;
  }
  value = lj_json_get(from->type, name);
  if (value != NULL) (void)snprintf(place->text, sizeof place->text, "the job type's %s", name);
  return value;
}

/* `prompt` or `system` as text: filled when it is the type's, as it is when it is the job's own. */
static int put_text(cJSON *object, const char *key, const sources *from, const char *name, lj_fault *fault) {
  lj_place place;
  const cJSON *value = find(from, name, &place);
  lj_buffer filled;
  int rc;
  if (lj_json_get(from->data, name) != NULL) {
    return lj_json_put_string(object, key, value->valuestring);
  }
  lj_buffer_init(&filled, LJ_MAX_REQUEST_BYTES);
  rc = lj_template_fill(value->valuestring, from->data, NULL, place.text, &filled, fault);
  if (rc == LJ_OK) {
    rc = lj_json_put_string(object, key, filled.data);
  }
  lj_buffer_free(&filled);
  return rc;
}

static int put_prompt(cJSON *request, const sources *from, lj_fault *fault) {
  lj_place place;
  const cJSON *prompt = find(from, "prompt", &place);
  cJSON *messages = cJSON_CreateArray();
  cJSON *message;
  int rc = lj_json_put_value(request, "messages", messages);
  if (rc != LJ_OK || prompt == NULL) {
    return rc; /* an input has no messages */
  }
  rc = lj_check_prompt(prompt, place.text, fault);
  if (rc != LJ_OK) {
    return rc;
  }
  message = cJSON_CreateObject();
  rc = lj_json_push_value(messages, message);
  if (rc == LJ_OK) {
    rc = lj_json_put_string(message, "role", "user");
  }
  return rc == LJ_OK ? put_text(message, "content", from, "prompt", fault) : rc;
}

static int put_field(cJSON *request, const sources *from, const lj_field *field, lj_fault *fault) {
  lj_place place;
  const cJSON *value = find(from, field->name, &place);
  cJSON *copy;
  int rc;
  if (value == NULL) {
    return LJ_OK;
  }
  rc = field->check(value, place.text, fault);
  if (rc != LJ_OK) {
    return rc;
  }
  if (strcmp(field->name, "system") == 0) { /* "" is how a job does without its type's */
    return value->valuestring[0] == '\0' ? LJ_OK : put_text(request, field->name, from, field->name, fault);
  }
  copy = cJSON_Duplicate(value, 1);
  if (strcmp(field->name, "stop") == 0 && cJSON_IsString(copy)) {
    cJSON *list = cJSON_CreateArray();
    rc = list == NULL ? LJ_NOMEM : lj_json_push_value(list, copy);
    if (rc != LJ_OK) {
      cJSON_Delete(list == NULL ? copy : list);
      return rc;
    }
    copy = list;
  }
  return lj_json_put_value(request, field->name, copy);
}

/* Embeddings are made of the input alone. */
static int check_input(const cJSON *request, lj_fault *fault) {
  static const char *const taken[] = {"input", "messages", "stream", "providerOptions"};
  const cJSON *field;
  cJSON_ArrayForEach(field, request) {
    size_t at = 0;
    while (at < sizeof taken / sizeof taken[0] && strcmp(field->string, taken[at]) != 0) {
      at++;
    }
    if (at == sizeof taken / sizeof taken[0]) {
      return lj_fault_set(fault, LJ_BAD_JOB, "%s has no meaning beside input, which is for embeddings; leave it out",
                          field->string);
    }
  }
  return LJ_OK;
}

/* What only the fields together show. */
static int check_together(const cJSON *request, lj_fault *fault) {
  const cJSON *tools = lj_json_array(request, "tools");
  const cJSON *choice = lj_json_get(request, "toolChoice");
  const char *name = lj_json_string(choice, "name");
  const cJSON *tool;
  if (lj_json_get(request, "input") != NULL) {
    return check_input(request, fault);
  }
  if (choice == NULL || (cJSON_IsString(choice) && strcmp(choice->valuestring, "required") != 0)) {
    return LJ_OK;
  }
  if (name == NULL) {
    return tools != NULL && tools->child != NULL
               ? LJ_OK
               : lj_fault_set(fault, LJ_BAD_JOB, "toolChoice is \"required\", but there are no tools");
  }
  cJSON_ArrayForEach(tool, tools) {
    if (strcmp(lj_json_string(tool, "name"), name) == 0) {
      return LJ_OK;
    }
  }
  return lj_fault_set(fault, LJ_BAD_JOB, "toolChoice names the tool %.64s, which is not among the tools", name);
}

static int check_words(const sources *from, lj_fault *fault) {
  lj_place place;
  bool prompt = find(from, "prompt", &place) != NULL;
  bool messages = find(from, "messages", &place) != NULL;
  bool input = find(from, "input", &place) != NULL;
  if (prompt && messages) {
    return lj_fault_set(fault, LJ_BAD_JOB, "%s has both prompt and messages; give one of them",
                        from->own_words ? "data" : "The job type");
  }
  if (input && (prompt || messages)) {
    return lj_fault_set(fault, LJ_BAD_JOB, "%s has both input, which is for embeddings, and %s; give one of them",
                        from->own_words ? "data" : "The job type", prompt ? "prompt" : "messages");
  }
  if (!prompt && !messages && !input) {
    return lj_fault_set(fault, LJ_BAD_JOB,
                        "The job says nothing to the model: data needs prompt, messages or input, or a job type of this name in "
                        "the configuration that has a prompt");
  }
  return LJ_OK;
}

static int fill(cJSON *request, const sources *from, lj_fault *fault) {
  const lj_field *field;
  int rc = check_words(from, fault);
  for (field = lj_request_fields; rc == LJ_OK && field->name != NULL; field++) {
    rc = put_field(request, from, field, fault);
  }
  if (rc == LJ_OK && lj_json_get(request, "messages") == NULL) {
    rc = put_prompt(request, from, fault);
  }
  if (rc == LJ_OK && lj_json_get(request, "stream") == NULL) {
    rc = lj_json_put_bool(request, "stream", true);
  }
  return rc == LJ_OK ? check_together(request, fault) : rc;
}

int lj_request_prepare(const cJSON *type, const cJSON *data, cJSON **out, lj_fault *fault) {
  sources from = {type, data, false};
  cJSON *request;
  int rc;
  *out = NULL;
  if (!cJSON_IsObject(data)) {
    return lj_must_be(data, "data", "an object", fault);
  }
  from.own_words = lj_json_get(data, "prompt") != NULL || lj_json_get(data, "messages") != NULL ||
                   lj_json_get(data, "input") != NULL;
  request = cJSON_CreateObject();
  rc = request == NULL ? LJ_NOMEM : fill(request, &from, fault);
  if (rc != LJ_OK) {
    cJSON_Delete(request);
    return rc;
  }
  *out = request;
  return LJ_OK;
}

bool lj_request_wants_object(const cJSON *request) {
  const cJSON *format = lj_json_get(request, "responseFormat");
  return cJSON_IsObject(format) || (cJSON_IsString(format) && strcmp(format->valuestring, "json") == 0);
}

static bool is_type_field(const char *name) {
  bool known = strcmp(name, "model") == 0 || strcmp(name, "prompt") == 0;
  for (const lj_field *field = lj_request_fields; field->name != NULL && !known; field++) known = strcmp(field->name, name) == 0;
  return known;
}

/* A misspelt default would never be heard of: templates read the job's data only. */
static int check_type_keys(const cJSON *type, const char *path, lj_fault *fault) {
  const cJSON *item = NULL;
  cJSON_ArrayForEach(item, type) {
    if (is_type_field(item->string)) continue;
    char known[256] = "model, prompt";
    size_t used = strlen(known);
    for (const lj_field *field = lj_request_fields; field->name != NULL && used < sizeof known; field++)
      used += (size_t)snprintf(known + used, sizeof known - used, ", %s", field->name);
    return lj_fault_set(fault, LJ_BAD_CONFIG, "%s.%.60s: unknown key; known here are %s", path, item->string, known);
  }
  return LJ_OK;
}

int lj_request_check_type(const cJSON *type, const char *path, lj_fault *fault) {
  static const lj_field prompt = {"prompt", lj_check_prompt};
  const cJSON *schema = lj_json_get(lj_json_get(type, "responseFormat"), "schema");
  lj_schema *opened = NULL;
  int rc = check_type_keys(type, path, fault);
  for (const lj_field *field = &prompt; rc == LJ_OK && field->name != NULL; field = field == &prompt ? lj_request_fields : field + 1) {
    const cJSON *value = lj_json_get(type, field->name);
    if (value != NULL) {
      rc = field->check(value, lj_place_member(path, field->name).text, fault);
    }
  }
  if (rc == LJ_OK && cJSON_IsObject(schema)) {
    lj_fault cause;
    lj_fault_clear(&cause);
    rc = lj_schema_open(schema, &opened, &cause);
    if (rc == LJ_BAD_JOB) lj_fault_set(fault, rc, "%s: %s", path, cause.message);
  }
  lj_schema_close(opened);
  if (rc != LJ_BAD_JOB) return rc;
  fault->code = LJ_BAD_CONFIG;
  return LJ_BAD_CONFIG;
}
