/* SPDX-License-Identifier: MIT */
#include "base/pattern.h"

#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#ifndef PCRE2_STATIC
#define PCRE2_STATIC
#endif
#include <pcre2.h>

#include "base/limits.h"
#include "base/memory.h"

enum { BYTES_PER_STEP = 64 };

struct lj_pattern {
  pcre2_code *code;
  size_t longest_repeat; /* the largest number of any {n}: so many bytes may pass before the next step is counted */
  bool compares_text;    /* it refers back to what a group has matched, which costs as much as that is long */
};

/* The account of one search. */
typedef struct meter {
  const lj_pattern *pattern;
  int64_t steps; /* left */
  size_t at;     /* where the text was at the last step */
} meter;

static void *take_memory(PCRE2_SIZE size, void *owner) {
  (void)owner;
  return lj_malloc(size);
}

static void give_memory(void *block, void *owner) {
  (void)owner;
  lj_free(block);
}

static size_t longest_repeat(const char *text) {
  size_t longest = 0;
  for (const char *at = strchr(text, '{'); at != NULL; at = strchr(at + 1, '{')) {
    size_t number = 0;
    for (const char *digit = at + 1; (*digit >= '0' && *digit <= '9') || *digit == ',' || *digit == ' '; digit++) {
      if (*digit == ',' || *digit == ' ') number = 0;
      else if (number < 100000) number = number * 10 + (size_t)(*digit - '0');
      if (number > longest) longest = number;
    }
  }
  return longest;
}

static int refuse(int error, PCRE2_SIZE offset, lj_fault *fault) {
  PCRE2_UCHAR words[160];
  if (error == PCRE2_ERROR_HEAP_FAILED) return LJ_NOMEM;
  if (pcre2_get_error_message(error, words, sizeof words) < 0) words[0] = '\0';
  return lj_fault_set(fault, LJ_INVALID, "%s, found after %zu bytes of it", (const char *)words, (size_t)offset);
}

int lj_pattern_open(const char *text, lj_pattern **out, lj_fault *fault) {
  static const uint32_t options = PCRE2_UTF | PCRE2_AUTO_CALLOUT | PCRE2_NEVER_BACKSLASH_C | PCRE2_DOLLAR_ENDONLY | PCRE2_ALT_BSUX |
                                  PCRE2_ALLOW_EMPTY_CLASS | PCRE2_MATCH_UNSET_BACKREF;
  pcre2_general_context *memory = pcre2_general_context_create(take_memory, give_memory, NULL);
  pcre2_compile_context *context = memory != NULL ? pcre2_compile_context_create(memory) : NULL;
  lj_pattern *pattern = lj_calloc(1, sizeof *pattern);
  int code = LJ_NOMEM;
  *out = NULL;
  if (context != NULL && pattern != NULL) {
    size_t length = strlen(text);
    int error = 0;
    PCRE2_SIZE offset = 0;
    uint32_t references = 0;
    code = LJ_OK;
    if (length > LJ_MAX_PATTERN_BYTES)
      code = lj_fault_set(fault, LJ_INVALID, "it is longer than %d bytes", LJ_MAX_PATTERN_BYTES);
    if (code == LJ_OK && pcre2_set_compile_extra_options(context, PCRE2_EXTRA_ALT_BSUX) != 0) code = LJ_NOMEM;
    if (code == LJ_OK) {
      unsigned long failures = lj_memory_failures();
      pattern->code = pcre2_compile((PCRE2_SPTR)text, length, options, &error, &offset, context);
      if (pattern->code == NULL) code = lj_memory_failures() != failures ? LJ_NOMEM : refuse(error, offset, fault);
    }
    if (code == LJ_OK && pcre2_pattern_info(pattern->code, PCRE2_INFO_BACKREFMAX, &references) != 0) code = LJ_NOMEM;
    pattern->compares_text = references > 0;
    pattern->longest_repeat = longest_repeat(text);
  }
  if (code == LJ_OK)
    *out = pattern;
  else
    lj_pattern_close(pattern);
  pcre2_compile_context_free(context);
  pcre2_general_context_free(memory);
  return code;
}

void lj_pattern_close(lj_pattern *pattern) {
  if (pattern == NULL) return;
  pcre2_code_free(pattern->code);
  lj_free(pattern);
}

/* PCRE2 calls this before each item of the pattern that it tries. Its own limits count per starting position only, so a
 * long text would multiply them; this account covers a whole search. */
static int count(pcre2_callout_block *block, void *owner) {
  meter *account = owner;
  size_t at = block->current_position;
  size_t passed = at > account->at ? at - account->at : account->at - at;
  passed += account->pattern->longest_repeat;
  if (account->pattern->compares_text) passed += block->subject_length;
  account->at = at;
  account->steps -= 1 + (int64_t)(passed / BYTES_PER_STEP);
  return account->steps < 0 ? PCRE2_ERROR_CALLOUT : 0; /* the former ends the search, whatever else it could try */
}

typedef struct search {
  pcre2_general_context *memory;
  pcre2_match_context *context;
  pcre2_match_data *found;
  meter account;
} search;

static int search_open(search *this, const lj_pattern *pattern, int64_t steps) {
  memset(this, 0, sizeof *this);
  this->account.pattern = pattern;
  this->account.steps = steps;
  this->memory = pcre2_general_context_create(take_memory, give_memory, NULL);
  if (this->memory == NULL) return LJ_NOMEM;
  this->context = pcre2_match_context_create(this->memory);
  this->found = pcre2_match_data_create(1, this->memory); /* where the whole match is; groups are of no interest */
  if (this->context == NULL || this->found == NULL) return LJ_NOMEM;
  if (pcre2_set_heap_limit(this->context, LJ_MAX_MATCH_KIB) != 0) return LJ_NOMEM;
  return pcre2_set_callout(this->context, count, &this->account) == 0 ? LJ_OK : LJ_NOMEM;
}

static void search_close(search *this) {
  pcre2_match_data_free(this->found);
  pcre2_match_context_free(this->context);
  pcre2_general_context_free(this->memory);
}

/* LJ_OK with *from and *to, LJ_NOT_FOUND, or why it is not known. */
static int search_next(search *this, const char *text, size_t length, size_t start, uint32_t options, size_t *from, size_t *to) {
  this->account.at = start;
  if ((options & PCRE2_NO_UTF_CHECK) == 0) this->account.steps -= (int64_t)(length / BYTES_PER_STEP);
  if (this->account.steps < 0) return LJ_TOO_BIG;
  unsigned long failures = lj_memory_failures();
  int rc = pcre2_match(this->account.pattern->code, (PCRE2_SPTR)text, length, start, options, this->found, this->context);
  if (rc >= 0) { /* 0: there were more groups than places for them */
    const PCRE2_SIZE *place = pcre2_get_ovector_pointer(this->found);
    *from = place[0] < place[1] ? place[0] : place[1];
    *to = place[1];
    return LJ_OK;
  }
  switch (rc) {
    case PCRE2_ERROR_NOMATCH: return LJ_NOT_FOUND;
    case PCRE2_ERROR_NOMEMORY: return LJ_NOMEM;
    case PCRE2_ERROR_CALLOUT:
    case PCRE2_ERROR_HEAPLIMIT:
    case PCRE2_ERROR_MATCHLIMIT:
    case PCRE2_ERROR_DEPTHLIMIT:
    case PCRE2_ERROR_RECURSELOOP: return LJ_TOO_BIG;
    default: return lj_memory_failures() != failures ? LJ_NOMEM : LJ_INVALID;
  }
}

int lj_pattern_find(const lj_pattern *pattern, const char *text, size_t length, int64_t *steps, bool *found) {
  search this;
  size_t from = 0;
  size_t to = 0;
  *found = false;
  int code = search_open(&this, pattern, *steps);
  if (code == LJ_OK) code = search_next(&this, text, length, 0, 0, &from, &to);
  *steps = this.account.steps;
  search_close(&this);
  *found = code == LJ_OK;
  return code == LJ_NOT_FOUND ? LJ_OK : code;
}

int lj_pattern_replace(const lj_pattern *pattern, const char *text, size_t length, const char *replacement, int64_t *steps,
                       lj_buffer *out, bool *found) {
  search this;
  size_t done = 0;
  size_t from = 0;
  size_t to = 0;
  *found = false;
  int code = search_open(&this, pattern, *steps);
  while (code == LJ_OK) {
    /* The first look has found the whole text well-formed. */
    code = search_next(&this, text, length, done, PCRE2_NOTEMPTY | (*found ? PCRE2_NO_UTF_CHECK : 0), &from, &to);
    if (code != LJ_OK) break;
    if (from < done) from = done; /* a pattern may set its own beginning with \K */
    if (to <= done) break;
    *found = true;
    code = lj_buffer_append(out, text + done, from - done);
    if (code == LJ_OK) code = lj_buffer_append_text(out, replacement);
    done = to;
  }
  if (code == LJ_NOT_FOUND) code = LJ_OK;
  if (code == LJ_OK) code = lj_buffer_append(out, text + done, length - done);
  *steps = this.account.steps;
  search_close(&this);
  return code;
}
