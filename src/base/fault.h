/* SPDX-License-Identifier: MIT
 *
 * Why something failed: a code and a sentence that names the culprit and the remedy. A fault never holds a key or a
 * prompt. Its memory is inside, so that a shortage of memory can be reported too.
 */
#ifndef LJ_BASE_FAULT_H
#define LJ_BASE_FAULT_H

#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "base/result.h"

typedef struct lj_fault {
  int code;               /* LJ_OK: no fault */
  int http_status;        /* of the answer, 0 when there was none */
  int64_t retry_after_ms; /* what the provider asked for; −1: it did not say */
  char message[LJ_MAX_ERROR_TEXT + 512];
} lj_fault;

void lj_fault_clear(lj_fault *fault);
/* Sets code and message (cut at the ceiling, never inside a UTF-8 character), clears the rest. Returns `code`, so that a
 * function can end with `return lj_fault_set(fault, LJ_BAD_JOB, "…")`. `fault` may be NULL. */
int lj_fault_set(lj_fault *fault, int code, const char *format, ...) LJ_PRINTF(3, 4);

/* Replaces every occurrence of `secret` in the message by "[key]". `secret` may be NULL. */
void lj_fault_hide(lj_fault *fault, const char *secret);

/* Copies at most `size` − 1 bytes of `text` without cutting a UTF-8 character, replaces invalid UTF-8 and control
 * characters but LF and TAB by '?'. Always terminated. */
void lj_text_copy(char *out, size_t size, const char *text, size_t length);

/* Writes `text` to `out` + `at`, cut so that it ends within the `size` bytes of `out`; always terminated. Returns where it ends. For names,
 * where snprintf would cost more than all else that is done with them. `at` < `size`. */
size_t lj_text_add(char *out, size_t size, size_t at, const char *text);

#endif
