/* SPDX-License-Identifier: MIT */
#include "policy/content.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"
#include "engine/fields.h"

enum { PATH_SIZE = 32 };

static const lj_field filter_fields[] = {
    {"on", LJ_FIELD_TEXT, true, 0, 0},
    {"pattern", LJ_FIELD_TEXT, true, 0, 0},
    {"action", LJ_FIELD_TEXT, true, 0, 0},
};

/* Whether a word is the second of the two that are allowed. */
static int choose(const cJSON *source, const char *path, const char *key, const char *first, const char *second, bool *out,
                  lj_fault *fault) {
  const char *word = lj_json_string(source, key);
  *out = strcmp(word, second) == 0;
  if (*out || strcmp(word, first) == 0) return LJ_OK;
  return lj_fault_set(fault, LJ_BAD_CONFIG, "%s.%s: must be \"%s\" or \"%s\"", path, key, first, second);
}

static int parse_filter(const cJSON *source, lj_content *content, lj_fault *fault) {
  lj_filter *filter = &content->filters[content->count];
  char path[PATH_SIZE];
  lj_fault cause;
  (void)snprintf(path, sizeof path, "filters[%zu]", content->count);
  int code = lj_fields_check(source, path, filter_fields, sizeof filter_fields / sizeof filter_fields[0], fault);
  if (code == LJ_OK) code = choose(source, path, "on", "prompt", "answer", &filter->on_answer, fault);
  if (code == LJ_OK) code = choose(source, path, "action", "refuse", "redact", &filter->redacts, fault);
  if (code != LJ_OK) return code;
  code = lj_pattern_open(lj_json_string(source, "pattern"), &filter->pattern, &cause);
  if (code == LJ_INVALID) return lj_fault_set(fault, LJ_BAD_CONFIG, "%s.pattern: %s", path, cause.message);
  if (code != LJ_OK) return code;
  content->count++;
  content->on_prompt = content->on_prompt || !filter->on_answer;
  content->on_answer = content->on_answer || filter->on_answer;
  return LJ_OK;
}

int lj_content_parse(const cJSON *tree, lj_content *content, lj_fault *fault) {
  const cJSON *filters = lj_json_get(tree, "filters");
  const cJSON *item;
  memset(content, 0, sizeof *content);
  content->max_prompt_bytes = (size_t)lj_json_int(tree, "maxPromptBytes", 0);
  if (filters != NULL && (!cJSON_IsArray(filters) || cJSON_GetArraySize(filters) > LJ_MAX_FILTERS))
    return lj_fault_set(fault, LJ_BAD_CONFIG, "filters: must be an array of at most %d objects {on, pattern, action}", LJ_MAX_FILTERS);
  cJSON_ArrayForEach(item, filters) {
    int code = parse_filter(item, content, fault);
    if (code != LJ_OK) return code;
  }
  return LJ_OK;
}

void lj_content_free(lj_content *content) {
  for (size_t i = 0; i < content->count; i++) lj_pattern_close(content->filters[i].pattern);
  memset(content, 0, sizeof *content);
}

/* --- Looking at texts --- */

/* One prompt or one answer. */
typedef struct look {
  const lj_content *content;
  bool is_answer;
  int64_t steps; /* left for all filters on all its texts */
  size_t bytes;  /* of text so far */
  lj_fault *fault;
} look;

static int refuse(const look *this, size_t filter, const char *why) {
  return lj_fault_set(this->fault, LJ_CONTENT_FILTERED, "filters[%zu] of the configuration %s %s%s", filter, why,
                      this->is_answer ? "the answer" : "the prompt", this->is_answer ? "" : "; no call was made");
}

/* Applies one filter. *text is cJSON's own, and replaced by another of cJSON's when something is redacted. */
static int apply(look *this, size_t index, char **text) {
  const lj_filter *filter = &this->content->filters[index];
  size_t length = strlen(*text);
  bool found = false;
  if (!filter->redacts) {
    int code = lj_pattern_find(filter->pattern, *text, length, &this->steps, &found);
    if (code == LJ_TOO_BIG) return refuse(this, index, "takes too many steps, and so refuses");
    return code == LJ_OK && found ? refuse(this, index, "refuses") : code;
  }
  lj_buffer out;
  lj_buffer_init(&out, LJ_MAX_REQUEST_BYTES);
  int code = lj_pattern_replace(filter->pattern, *text, length, LJ_REDACTED, &this->steps, &out, &found);
  if (code == LJ_TOO_BIG) code = refuse(this, index, "takes too many steps, and so refuses");
  if (code == LJ_OK && found) {
    char *copy = cJSON_malloc(out.length + 1);
    if (copy != NULL) {
      memcpy(copy, out.data, out.length + 1);
      cJSON_free(*text);
      *text = copy;
    }
    code = copy != NULL ? LJ_OK : LJ_NOMEM;
  }
  lj_buffer_free(&out);
  return code;
}

static int look_at(look *this, char **text) {
  size_t length = strlen(*text);
  int code = LJ_OK;
  this->bytes += length;
  bool filtered = this->is_answer ? this->content->on_answer : this->content->on_prompt;
  if (filtered) lj_utf8_repair(*text, length); /* a pattern sees characters; bytes that are none could not be sent as JSON */
  for (size_t i = 0; filtered && code == LJ_OK && i < this->content->count; i++)
    if (this->content->filters[i].on_answer == this->is_answer) code = apply(this, i, text);
  return code;
}

static int look_at_string(look *this, cJSON *value) { return cJSON_IsString(value) ? look_at(this, &value->valuestring) : LJ_OK; }

/* All strings below, and the names: a model may write what it likes there too. Recursion ends with the value's nesting, which
 * LJ_MAX_JSON_DEPTH bounds. */
static int look_deep(look *this, cJSON *value) {
  int code = look_at_string(this, value);
  cJSON *inside;
  if (value == NULL || code != LJ_OK) return code;
  for (inside = value->child; inside != NULL; inside = inside->next) {
    if (inside->string != NULL && (inside->type & cJSON_StringIsConst) == 0) code = look_at(this, &inside->string);
    if (code == LJ_OK) code = look_deep(this, inside);
    if (code != LJ_OK) return code;
  }
  return LJ_OK;
}

static int look_at_calls(look *this, cJSON *calls) {
  cJSON *call;
  cJSON_ArrayForEach(call, calls) {
    int code = look_deep(this, cJSON_GetObjectItemCaseSensitive(call, "arguments"));
    if (code != LJ_OK) return code;
  }
  return LJ_OK;
}

static int look_at_message(look *this, cJSON *message) {
  cJSON *content = cJSON_GetObjectItemCaseSensitive(message, "content");
  cJSON *part;
  int code = look_at_string(this, content);
  cJSON_ArrayForEach(part, content) {
    cJSON *text = cJSON_GetObjectItemCaseSensitive(part, "text"); /* images have none */
    if (code == LJ_OK && text != NULL) code = look_at_string(this, text);
  }
  return code == LJ_OK ? look_at_calls(this, cJSON_GetObjectItemCaseSensitive(message, "toolCalls")) : code;
}

int lj_content_prompt(const lj_content *content, cJSON *request, lj_fault *fault) {
  look work = {content, false, LJ_MAX_FILTER_STEPS, 0, fault};
  cJSON *item;
  if (content->max_prompt_bytes == 0 && !content->on_prompt) return LJ_OK;
  cJSON *system = cJSON_GetObjectItemCaseSensitive(request, "system");
  cJSON *input = cJSON_GetObjectItemCaseSensitive(request, "input");
  int code = system != NULL ? look_at_string(&work, system) : LJ_OK;
  cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(request, "messages")) {
    if (code == LJ_OK) code = look_at_message(&work, item);
  }
  if (code == LJ_OK && input != NULL) code = look_at_string(&work, input);
  cJSON_ArrayForEach(item, input) {
    if (code == LJ_OK) code = look_at_string(&work, item);
  }
  if (code == LJ_OK && content->max_prompt_bytes > 0 && work.bytes > content->max_prompt_bytes)
    return lj_fault_set(fault, LJ_BAD_JOB, "the prompt has %zu bytes of text, but maxPromptBytes allows %zu; shorten or split it",
                        work.bytes, content->max_prompt_bytes);
  return code;
}

int lj_content_answer(const lj_content *content, cJSON *result, lj_fault *fault) {
  look work = {content, true, LJ_MAX_FILTER_STEPS, 0, fault};
  if (!content->on_answer) return LJ_OK;
  cJSON *text = cJSON_GetObjectItemCaseSensitive(result, "text");
  int code = text != NULL ? look_at_string(&work, text) : LJ_OK;
  if (code == LJ_OK) code = look_deep(&work, cJSON_GetObjectItemCaseSensitive(result, "object"));
  return code == LJ_OK ? look_at_calls(&work, cJSON_GetObjectItemCaseSensitive(result, "toolCalls")) : code;
}

/* --- Lists of models --- */

bool lj_content_lists(const cJSON *list, const char *model) {
  const cJSON *item;
  cJSON_ArrayForEach(item, list) {
    size_t length = strlen(item->valuestring);
    bool open = item->valuestring[length - 1] == '*'; /* no name is empty: engine/fields.h */
    if (open ? strncmp(item->valuestring, model, length - 1) == 0 : strcmp(item->valuestring, model) == 0) return true;
  }
  return false;
}

int lj_content_check_list(const cJSON *list, const char *key, lj_fault *fault) {
  const cJSON *item;
  int index = 0;
  cJSON_ArrayForEach(item, list) {
    const char *star = strchr(item->valuestring, '*');
    if (star != NULL && star[1] != '\0')
      return lj_fault_set(fault, LJ_BAD_CONFIG, "%s[%d]: an asterisk may only be the last character", key, index);
    index++;
  }
  return LJ_OK;
}
