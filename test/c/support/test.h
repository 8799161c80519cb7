/* SPDX-License-Identifier: MIT
 *
 * What every test program starts with. cmocka wants these headers before its own.
 */
#ifndef LJ_TEST_SUPPORT_TEST_H
#define LJ_TEST_SUPPORT_TEST_H

/* clang-format off */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
/* clang-format on */

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/result.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* Codes by name, so that a failing test says RATE_LIMITED rather than −24. */
#define assert_code(actual, expected) assert_string_equal(lj_code_name(actual), lj_code_name(expected))

/* The JSON of a text in the test itself. Caller deletes. */
static inline cJSON *json_of(const char *text) {
  cJSON *json = NULL;
  if (lj_json_parse(text, strlen(text), &json) != LJ_OK) {
    fail_msg("the test's own JSON is bad: %s", text);
  }
  return json;
}

/* The compact text of some JSON. Caller frees with lj_free. */
static inline char *text_of(const cJSON *json) {
  lj_buffer buffer;
  char *text;
  lj_buffer_init(&buffer, 1 << 24);
  assert_code(lj_json_print(json, &buffer), LJ_OK);
  text = lj_buffer_take(&buffer);
  assert_non_null(text);
  return text;
}

static inline void assert_json(const cJSON *actual, const char *expected) {
  char *text = text_of(actual);
  assert_string_equal(text, expected);
  lj_free(text);
}

/* A test that must leave no block behind is wrapped in these two. */
static inline int note_live(void **state) {
  *state = (void *)(intptr_t)lj_memory_live();
  return 0;
}
static inline int check_live(void **state) {
  lj_memory_fail_at(0, 0);
  return lj_memory_live() == (long)(intptr_t)*state ? 0 : -1;
}
#define tidy_test(function) cmocka_unit_test_setup_teardown(function, note_live, check_live)

/* Numbers that are the same in every run. */
static inline uint32_t next_random(uint32_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 17;
  *state ^= *state << 5;
  return *state;
}

#endif
