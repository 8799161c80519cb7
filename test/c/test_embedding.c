/* SPDX-License-Identifier: MIT
 *
 * Vectors: read from numbers or base64, written as the shortest text that gives the same floats back.
 */
#include <float.h>
#include <math.h>

#include "provider/answer.h"
#include "provider/float_text.h"
#include "support/test.h"

static void expect_text(float value, const char *expected) {
  char text[LJ_FLOAT_TEXT];
  assert_int_equal(lj_float_text(value, text), strlen(expected));
  assert_string_equal(text, expected);
}

static void floats_have_a_short_text(void **state) {
  (void)state;
  expect_text(0.0F, "0");
  expect_text(-0.0F, "-0");
  expect_text(1.0F, "1");
  expect_text(-1.5F, "-1.5");
  expect_text(0.1F, "0.1");
  expect_text(0.012F, "0.012");
  expect_text(0.0012F, "0.0012");
  expect_text(0.00012F, "1.2e-4");
  expect_text(0.00001F, "1e-5");
  expect_text(-0.023064256F, "-0.023064256");
  expect_text(100.0F, "100");
  expect_text(123456.0F, "123456");
  expect_text(16777216.0F, "16777216");
  expect_text(1e20F, "1e20");
  expect_text(FLT_MAX, "3.4028235e38");
  expect_text(FLT_MIN, "1.1754944e-38");
  expect_text(1e-45F, "1e-45");
}

/* The fewest digits with which the C library's own printing comes back. */
static int fewest_digits(float value) {
  char text[64];
  int digits = 0;
  do {
    digits++;
    (void)snprintf(text, sizeof text, "%.*e", digits - 1, (double)value);
  } while (strtof(text, NULL) < value || strtof(text, NULL) > value);
  return digits;
}

static int digits_of(const char *text) {
  char digits[LJ_FLOAT_TEXT];
  size_t count = 0;
  for (; *text != '\0' && *text != 'e'; text++) {
    if (*text >= '0' && *text <= '9' && (count > 0 || *text != '0')) {
      digits[count++] = *text;
    }
  }
  while (count > 1 && digits[count - 1] == '0') {
    count--;
  }
  return (int)count;
}

static void expect_shortest(float value) {
  char text[LJ_FLOAT_TEXT];
  float back;
  float by_double;
  (void)lj_float_text(value, text);
  back = strtof(text, NULL);
  by_double = (float)strtod(text, NULL);
  if (memcmp(&back, &value, sizeof value) != 0 || memcmp(&by_double, &value, sizeof value) != 0) {
    fail_msg("%s does not come back as %.9g", text, (double)value);
  }
  if (value > 0 && digits_of(text) > fewest_digits(value)) {
    fail_msg("%s could be shorter: %.*e", text, fewest_digits(value) - 1, (double)value);
  }
}

static void every_float_comes_back_from_its_shortest_text(void **state) {
  uint32_t seed = 2463534242U;
  int power;
  int round;
  (void)state;
  for (round = 0; round < 200000; round++) {
    uint32_t bits = next_random(&seed);
    float value;
    memcpy(&value, &bits, sizeof value);
    if (isfinite(value)) {
      expect_shortest(value);
    }
    expect_shortest(((float)(int32_t)bits) / 2147483648.0F / 16.0F); /* as the numbers of embeddings are */
  }
  for (power = -149; power < 128; power++) { /* the neighbours of a power of two are not equally far from it */
    float value = ldexpf(1.0F, power);
    expect_shortest(value);
    expect_shortest(nextafterf(value, HUGE_VALF));
    expect_shortest(nextafterf(value, 0));
  }
}

static int set(lj_embeddings *embeddings, size_t index, const char *vector) {
  cJSON *json = json_of(vector);
  int rc = lj_embeddings_set(embeddings, index, json);
  cJSON_Delete(json);
  return rc;
}

static void numbers_and_base64_give_the_same_vectors(void **state) {
  lj_answer answer;
  cJSON *json = NULL;
  (void)state;
  lj_answer_init(&answer);
  assert_code(lj_embeddings_expect(&answer.embeddings, 4), LJ_OK);
  assert_code(set(&answer.embeddings, 3, "\"AACAPwAAAMAAAAA/\""), LJ_OK); /* 12 bytes need no padding */
  assert_code(set(&answer.embeddings, 0, "[1,-2,0.5]"), LJ_OK);
  assert_code(set(&answer.embeddings, 2, "\"AACAPw==\""), LJ_OK);
  assert_code(set(&answer.embeddings, 1, "\"AACAPwAAAMA\""), LJ_OK); /* padding left out */
  answer.usage.input_tokens = 7;
  assert_code(lj_answer_json(&answer, 0, &json), LJ_OK);
  assert_json(json, "{\"embeddings\":[[1,-2,0.5],[1,-2],[1],[1,-2,0.5]],\"usage\":{\"inputTokens\":7}}");
  cJSON_Delete(json);
  lj_answer_free(&answer);
}

static void what_is_no_vector_is_refused(void **state) {
  static const char *const bad[] = {
      "[]",       "\"\"",         "{}",         "7",          "[1,\"2\"]",  "[null]",        "[1e39]",    "[-1e39]",
      "\"AACA\"", "\"AACAPw=A\"", "\"AACAP*==\"", "\"AACAPwA\"", "\"AACAPwAA\"", "\"AACA fw==\"", "\"AACAfw==\"", "\"AADAfw==\"",
      "\"A\"",    "\"====\"",
  };
  lj_embeddings embeddings = {0};
  size_t at;
  (void)state;
  assert_code(lj_embeddings_expect(&embeddings, 1), LJ_OK);
  for (at = 0; at < COUNT_OF(bad); at++) {
    if (set(&embeddings, 0, bad[at]) != LJ_INVALID) {
      fail_msg("%s is taken", bad[at]);
    }
    assert_null(embeddings.list[0].values);
  }
  lj_embeddings_free(&embeddings);
}

static void ceilings_hold(void **state) {
  lj_embeddings embeddings = {0};
  (void)state;
  assert_code(lj_embeddings_expect(&embeddings, LJ_MAX_INPUTS + 1), LJ_TOO_BIG);
  assert_code(lj_embeddings_expect(&embeddings, LJ_MAX_INPUTS), LJ_OK);
  embeddings.values = LJ_MAX_EMBEDDING_VALUES - 2;
  assert_code(set(&embeddings, 0, "[1,2,3]"), LJ_TOO_BIG);
  assert_code(set(&embeddings, 0, "[1,2]"), LJ_OK);
  assert_code(set(&embeddings, 1, "[1]"), LJ_TOO_BIG);
  lj_embeddings_free(&embeddings);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      tidy_test(floats_have_a_short_text),
      tidy_test(every_float_comes_back_from_its_shortest_text),
      tidy_test(numbers_and_base64_give_the_same_vectors),
      tidy_test(what_is_no_vector_is_refused),
      tidy_test(ceilings_hold),
  };
  lj_memory_init();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
