/* SPDX-License-Identifier: MIT
 *
 * What the configuration wants of content: the size of a prompt, and filters on prompts and answers. All texts of a prompt
 * are looked at (system, messages, tool calls' arguments, input; no images), and all of an answer (text, object, tool calls'
 * arguments). A filter either refuses or writes LJ_REDACTED over what it finds. Filters apply in their order, each to what the
 * one before it has left. Messages name the filter, never what it found.
 */
#ifndef LJ_POLICY_CONTENT_H
#define LJ_POLICY_CONTENT_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/fault.h"
#include "base/pattern.h"

#define LJ_REDACTED "[redacted]"

typedef struct lj_filter {
  lj_pattern *pattern;
  bool on_answer; /* else on the prompt */
  bool redacts;   /* else refuses */
} lj_filter;

typedef struct lj_content {
  size_t max_prompt_bytes; /* 0: no limit of its own */
  lj_filter filters[LJ_MAX_FILTERS];
  size_t count;
  bool on_prompt;
  bool on_answer; /* some filter is on answers: text must not leave the engine before it has ended */
} lj_content;

/* Reads maxPromptBytes and filters of the configuration. LJ_OK, LJ_NOMEM or LJ_BAD_CONFIG. Free in either case. */
int lj_content_parse(const cJSON *tree, lj_content *content, lj_fault *fault) LJ_MUST_CHECK;
void lj_content_free(lj_content *content);

/* Looks at a prepared request (provider/request.h), and rewrites what is to be redacted. LJ_OK, LJ_NOMEM, LJ_BAD_JOB: the
 * prompt is too long, LJ_CONTENT_FILTERED. */
int lj_content_prompt(const lj_content *content, cJSON *request, lj_fault *fault) LJ_MUST_CHECK;

/* As lj_content_prompt, for a row's `result`. */
int lj_content_answer(const lj_content *content, cJSON *result, lj_fault *fault) LJ_MUST_CHECK;

/* Whether one of the names is `model`; "openai/" followed by an asterisk stands for all that begin so. `list` may be NULL. */
bool lj_content_lists(const cJSON *list, const char *model);
/* LJ_OK, or LJ_BAD_CONFIG when an asterisk stands anywhere but at the end. `key` names the list. */
int lj_content_check_list(const cJSON *list, const char *key, lj_fault *fault) LJ_MUST_CHECK;

#endif
