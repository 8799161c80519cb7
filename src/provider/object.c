/* SPDX-License-Identifier: MIT */
#include "provider/object.h"

#include <stdbool.h>
#include <string.h>

#include "base/ascii.h"
#include "base/json.h"
#include "provider/json_repair.h"

static bool is_blank(char byte) { return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r'; }

static void trim(const char **text, size_t *length) {
  while (*length > 0 && is_blank((*text)[*length - 1])) (*length)--;
  while (*length > 0 && is_blank(**text)) {
    (*text)++;
    (*length)--;
  }
}

/* Small models put a fence around JSON, whatever they are told. The word behind the opening one names a language; it may
 * stand on the line of the JSON itself. */
static void strip_fence(const char **text, size_t *length) {
  trim(text, length);
  if (*length < 6 || memcmp(*text, "```", 3) != 0 || memcmp(*text + *length - 3, "```", 3) != 0) return;
  *text += 3;
  *length -= 6;
  while (*length > 0 && lj_ascii_is_alphanumeric(**text)) {
    (*text)++;
    (*length)--;
  }
  trim(text, length);
}

int lj_object_parse(const char *text, size_t length, cJSON **out) {
  int code = lj_json_parse_repaired(text, length, out);
  if (code != LJ_INVALID) return code;
  strip_fence(&text, &length);
  return lj_json_parse_repaired(text, length, out);
}

int lj_object_expect(const lj_schema *schema, const cJSON *result, lj_fault *fault) {
  const cJSON *object = cJSON_GetObjectItemCaseSensitive(result, "object"); /* null is an answer too */
  const char *finish = lj_json_string(result, "finishReason");
  int code = LJ_PROTOCOL;
  if (object == NULL && lj_json_array(result, "toolCalls") != NULL) return LJ_OK;
  if (object != NULL) code = lj_schema_check(schema, object, fault);
  if (code != LJ_PROTOCOL) return code;
  if (finish != NULL && strcmp(finish, "filter") == 0)
    return lj_fault_set(fault, LJ_CONTENT_FILTERED,
                        "The provider's filter ended the answer before it was what responseFormat asks for");
  if (object != NULL) return code;
  if (finish != NULL && strcmp(finish, "length") == 0)
    return lj_fault_set(fault, LJ_PROTOCOL,
                        "The answer is no JSON, as responseFormat asks for: it was cut at the most tokens allowed; raise maxTokens");
  return lj_fault_set(fault, LJ_PROTOCOL, "The answer is no JSON, as responseFormat asks for");
}
