/* SPDX-License-Identifier: MIT */
#include "provider/request_check.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/ascii.h"
#include "base/json.h"
#include "base/limits.h"

enum {
  MAX_TOOL_NAME = 64,
  MAX_PLACE_NAME = 40 /* bytes of the last member's name in a place, which is only for messages */
};

const char *lj_type_name(const cJSON *value) {
  if (cJSON_IsString(value)) {
    return value->valuestring[0] == '\0' ? "an empty string" : "a string";
  }
  if (cJSON_IsNumber(value)) {
    return "a number";
  }
  if (cJSON_IsBool(value)) {
    return "a boolean";
  }
  if (cJSON_IsArray(value)) {
    return value->child == NULL ? "an empty array" : "an array";
  }
  return cJSON_IsObject(value) ? "an object" : "missing";
}

int lj_must_be(const cJSON *value, const char *where, const char *allowed, lj_fault *fault) {
  if (cJSON_IsNumber(value)) {
    return lj_fault_set(fault, LJ_BAD_JOB, "%s is %.17g, but must be %s", where, value->valuedouble, allowed);
  }
  return lj_fault_set(fault, LJ_BAD_JOB, "%s is %s, but must be %s", where, lj_type_name(value), allowed);
}

lj_place lj_place_entry(const char *where, int index) {
  lj_place place;
  (void)snprintf(place.text, sizeof place.text, "%s[%d]", where, index); /* cut when long: it is only for a message */
  return place;
}

lj_place lj_place_member(const char *where, const char *key) {
  lj_place place;
  size_t end = lj_text_add(place.text, sizeof place.text - MAX_PLACE_NAME - 1, 0, where);
  end = lj_text_add(place.text, sizeof place.text, end, ".");
  (void)lj_text_add(place.text, end + MAX_PLACE_NAME + 1, end, key);
  return place;
}

/* "a, b, c" */
static void list_words(const char *const *words, char *out, size_t size) {
  size_t used = 0;
  out[0] = '\0';
  for (; *words != NULL && used < size; words++) {
    int length = snprintf(out + used, size - used, "%s%s", used > 0 ? ", " : "", *words);
    if (length < 0) {
      return;
    }
    used += (size_t)length;
  }
}

static bool is_one_of(const char *text, const char *const *words) {
  for (; *words != NULL; words++) {
    if (text[0] == (*words)[0] && strcmp(text, *words) == 0) {
      return true;
    }
  }
  return false;
}

int lj_check_keys(const cJSON *object, const char *where, const char *const *keys, lj_fault *fault) {
  const cJSON *member;
  char allowed[256];
  cJSON_ArrayForEach(member, object) {
    if (!cJSON_IsNull(member) && !is_one_of(member->string, keys)) {
      list_words(keys, allowed, sizeof allowed);
      return lj_fault_set(fault, LJ_BAD_JOB, "%s has the key %.64s, which is not known; allowed are %s", where, member->string,
                          allowed);
    }
  }
  return LJ_OK;
}

int lj_check_word(const cJSON *value, const char *where, const char *const *words, lj_fault *fault) {
  char allowed[256];
  if (cJSON_IsString(value) && is_one_of(value->valuestring, words)) {
    return LJ_OK;
  }
  list_words(words, allowed, sizeof allowed);
  return lj_fault_set(fault, LJ_BAD_JOB, "%s is %s, but must be one of %s", where,
                      cJSON_IsString(value) ? "another word" : lj_type_name(value), allowed);
}

static bool is_text(const cJSON *value) { return cJSON_IsString(value) && value->valuestring[0] != '\0'; }

static bool is_whole(const cJSON *value) {
  return cJSON_IsNumber(value) && fabs(value->valuedouble) <= 9007199254740991.0 && floor(value->valuedouble) >= value->valuedouble;
}

static bool is_within(const cJSON *value, double low, double high) {
  return cJSON_IsNumber(value) && value->valuedouble >= low && value->valuedouble <= high;
}

int lj_check_prompt(const cJSON *value, const char *where, lj_fault *fault) {
  return is_text(value) ? LJ_OK : lj_must_be(value, where, "a string that is not empty", fault);
}

static int check_system(const cJSON *value, const char *where, lj_fault *fault) {
  return cJSON_IsString(value) ? LJ_OK : lj_must_be(value, where, "a string", fault);
}

static int check_max_tokens(const cJSON *value, const char *where, lj_fault *fault) {
  return is_whole(value) && value->valuedouble >= 1 ? LJ_OK : lj_must_be(value, where, "a whole number of at least 1", fault);
}

static int check_temperature(const cJSON *value, const char *where, lj_fault *fault) {
  return is_within(value, 0, 2) ? LJ_OK : lj_must_be(value, where, "a number from 0 to 2", fault);
}

static int check_top_p(const cJSON *value, const char *where, lj_fault *fault) {
  return is_within(value, 0, 1) ? LJ_OK : lj_must_be(value, where, "a number from 0 to 1", fault);
}

static int check_seed(const cJSON *value, const char *where, lj_fault *fault) {
  return is_whole(value) ? LJ_OK : lj_must_be(value, where, "a whole number", fault);
}

static int check_stream(const cJSON *value, const char *where, lj_fault *fault) {
  return cJSON_IsBool(value) ? LJ_OK : lj_must_be(value, where, "true or false", fault);
}

static int check_texts(const cJSON *value, const char *where, lj_fault *fault) {
  const cJSON *entry;
  int index = 0;
  if (is_text(value)) {
    return LJ_OK;
  }
  if (!cJSON_IsArray(value) || value->child == NULL) {
    return lj_must_be(value, where, "a string or an array of strings, none of them empty", fault);
  }
  cJSON_ArrayForEach(entry, value) {
    if (!is_text(entry)) {
      return lj_must_be(entry, lj_place_entry(where, index).text, "a string that is not empty", fault);
    }
    index++;
  }
  return LJ_OK;
}

static bool is_name(const cJSON *value) {
  const char *at;
  if (!is_text(value) || strlen(value->valuestring) > MAX_TOOL_NAME) {
    return false;
  }
  for (at = value->valuestring; *at != '\0'; at++) {
    bool known = lj_ascii_is_alphanumeric(*at) || *at == '_' || *at == '-';
    if (!known) {
      return false;
    }
  }
  return true;
}

static int check_name(const cJSON *object, const char *where, lj_fault *fault) {
  const cJSON *name = lj_json_get(object, "name");
  return is_name(name) ? LJ_OK
                       : lj_must_be(name, lj_place_member(where, "name").text,
                                    "1 to 64 letters, digits, underscores and hyphens", fault);
}

static int check_tool(const cJSON *tool, const char *where, lj_fault *fault) {
  static const char *const keys[] = {"name", "description", "parameters", "strict", NULL};
  const cJSON *description = lj_json_get(tool, "description");
  const cJSON *parameters = lj_json_get(tool, "parameters");
  const cJSON *strict = lj_json_get(tool, "strict");
  int rc;
  if (!cJSON_IsObject(tool)) {
    return lj_must_be(tool, where, "an object", fault);
  }
  rc = lj_check_keys(tool, where, keys, fault);
  if (rc == LJ_OK) {
    rc = check_name(tool, where, fault);
  }
  if (rc == LJ_OK && description != NULL && !cJSON_IsString(description)) {
    rc = lj_must_be(description, lj_place_member(where, "description").text, "a string", fault);
  }
  if (rc == LJ_OK && parameters != NULL && !cJSON_IsObject(parameters)) {
    rc = lj_must_be(parameters, lj_place_member(where, "parameters").text, "an object: a JSON schema", fault);
  }
  if (rc == LJ_OK && strict != NULL && !cJSON_IsBool(strict)) {
    rc = lj_must_be(strict, lj_place_member(where, "strict").text, "true or false", fault);
  }
  return rc;
}

static int check_tools(const cJSON *value, const char *where, lj_fault *fault) {
  const cJSON *tool;
  const cJSON *other;
  int index = 0;
  if (!cJSON_IsArray(value) || cJSON_GetArraySize(value) > LJ_MAX_TOOL_CALLS) {
    return lj_must_be(value, where, "an array of at most 128 tools", fault);
  }
  cJSON_ArrayForEach(tool, value) {
    lj_place place = lj_place_entry(where, index++);
    int rc = check_tool(tool, place.text, fault);
    if (rc != LJ_OK) {
      return rc;
    }
    for (other = value->child; other != tool; other = other->next) {
      if (strcmp(lj_json_string(other, "name"), lj_json_string(tool, "name")) == 0) {
        return lj_fault_set(fault, LJ_BAD_JOB, "%s has the same name as an earlier tool", place.text);
      }
    }
  }
  return LJ_OK;
}

static int check_tool_choice(const cJSON *value, const char *where, lj_fault *fault) {
  static const char *const words[] = {"auto", "none", "required", NULL};
  static const char *const keys[] = {"name", NULL};
  int rc;
  if (!cJSON_IsObject(value)) {
    return cJSON_IsString(value) ? lj_check_word(value, where, words, fault)
                                 : lj_must_be(value, where, "\"auto\", \"none\", \"required\" or {name}", fault);
  }
  rc = lj_check_keys(value, where, keys, fault);
  return rc == LJ_OK ? check_name(value, where, fault) : rc;
}

static int check_response_format(const cJSON *value, const char *where, lj_fault *fault) {
  static const char *const words[] = {"text", "json", NULL};
  static const char *const keys[] = {"schema", "name", "strict", NULL};
  const cJSON *schema = lj_json_get(value, "schema");
  const cJSON *strict = lj_json_get(value, "strict");
  int rc;
  if (!cJSON_IsObject(value)) {
    return cJSON_IsString(value) ? lj_check_word(value, where, words, fault)
                                 : lj_must_be(value, where, "\"text\", \"json\" or {schema}", fault);
  }
  rc = lj_check_keys(value, where, keys, fault);
  if (rc == LJ_OK && !cJSON_IsObject(schema)) {
    rc = lj_must_be(schema, lj_place_member(where, "schema").text, "an object: a JSON schema", fault);
  }
  if (rc == LJ_OK && lj_json_get(value, "name") != NULL) {
    rc = check_name(value, where, fault);
  }
  if (rc == LJ_OK && strict != NULL && !cJSON_IsBool(strict)) {
    rc = lj_must_be(strict, lj_place_member(where, "strict").text, "true or false", fault);
  }
  return rc;
}

static int check_reasoning(const cJSON *value, const char *where, lj_fault *fault) {
  static const char *const keys[] = {"effort", "budgetTokens", NULL};
  static const char *const efforts[] = {"none", "minimal", "low", "medium", "high", "xhigh", "max", NULL};
  const cJSON *effort = lj_json_get(value, "effort");
  const cJSON *budget = lj_json_get(value, "budgetTokens");
  int rc;
  if (!cJSON_IsObject(value)) {
    return lj_must_be(value, where, "an object {effort, budgetTokens}", fault);
  }
  rc = lj_check_keys(value, where, keys, fault);
  if (rc == LJ_OK && effort != NULL) {
    rc = lj_check_word(effort, lj_place_member(where, "effort").text, efforts, fault);
  }
  if (rc == LJ_OK && budget != NULL) {
    rc = check_max_tokens(budget, lj_place_member(where, "budgetTokens").text, fault);
  }
  return rc;
}

static int check_provider_options(const cJSON *value, const char *where, lj_fault *fault) {
  const cJSON *options;
  if (!cJSON_IsObject(value)) {
    return lj_must_be(value, where, "an object with an object for each provider", fault);
  }
  cJSON_ArrayForEach(options, value) {
    if (!cJSON_IsObject(options) && !cJSON_IsNull(options)) {
      return lj_must_be(options, lj_place_member(where, options->string).text, "an object", fault);
    }
  }
  return LJ_OK;
}

const lj_field lj_request_fields[] = {
    {"messages", lj_check_messages},
    {"input", check_texts},
    {"system", check_system},
    {"maxTokens", check_max_tokens},
    {"temperature", check_temperature},
    {"topP", check_top_p},
    {"stop", check_texts},
    {"seed", check_seed},
    {"tools", check_tools},
    {"toolChoice", check_tool_choice},
    {"responseFormat", check_response_format},
    {"reasoning", check_reasoning},
    {"stream", check_stream},
    {"providerOptions", check_provider_options},
    {NULL, NULL},
};
