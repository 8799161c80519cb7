/* SPDX-License-Identifier: MIT
 *
 * Regular expressions over texts from outside, by PCRE2, in the dialect of JavaScript's flag `u` as far as PCRE2 has it;
 * `(?i)` at the beginning ignores case. No pattern and no text can hold up the thread: work is counted in steps, and the
 * caller gives as many as it can afford. A step is a position at which the matcher tries an item of the pattern, or the
 * passing over of 64 bytes.
 */
#ifndef LJ_BASE_PATTERN_H
#define LJ_BASE_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/fault.h"

typedef struct lj_pattern lj_pattern;

/* LJ_OK, LJ_NOMEM, or LJ_INVALID with *fault saying what is wrong and where, and not repeating the pattern. Close with
 * lj_pattern_close. */
int lj_pattern_open(const char *text, lj_pattern **out, lj_fault *fault) LJ_MUST_CHECK;
void lj_pattern_close(lj_pattern *pattern);

/* Whether the pattern is found anywhere in the text, which must be well-formed UTF-8 (LJ_INVALID: it is not). Takes what
 * it needs from *steps. LJ_OK, LJ_NOMEM, LJ_TOO_BIG: the steps, or LJ_MAX_MATCH_KIB of memory, did not suffice. */
int lj_pattern_find(const lj_pattern *pattern, const char *text, size_t length, int64_t *steps, bool *found) LJ_MUST_CHECK;

/* Appends the text to `out` with each occurrence that is not empty replaced. As lj_pattern_find; *found: there was one. */
int lj_pattern_replace(const lj_pattern *pattern, const char *text, size_t length, const char *replacement, int64_t *steps,
                       lj_buffer *out, bool *found) LJ_MUST_CHECK;

#endif
