/* SPDX-License-Identifier: MIT
 *
 * Keys of a provider: from the environment and from the app, which one is used, and what a refusal changes.
 */
#include "engine/keys.h"
#include "support/test.h"

static void parse(const char *text, lj_keys *keys) {
  lj_fault fault;
  static cJSON *tree;
  cJSON_Delete(tree);
  tree = NULL;
  memset(keys, 0, sizeof *keys);
  lj_fault_clear(&fault);
  if (*text == '\0') return;
  tree = json_of(text);
  assert_code(lj_keys_parse(tree, "apiKey", keys, &fault), LJ_OK);
}

static void a_secret_is_awaited_until_the_app_answers(void **state) {
  lj_keys keys;
  bool known = false;
  (void)state;
  parse("{\"secret\":\"s\"}", &keys);
  assert_int_equal(lj_keys_state(&keys, 0, 0), LJ_KEY_AWAITED);
  assert_false(lj_keys_usable(&keys, 0, 0));
  assert_code(lj_keys_give(&keys, "another", "k", &known), LJ_OK);
  assert_false(known);
  assert_int_equal(lj_keys_state(&keys, 0, 0), LJ_KEY_AWAITED);
  assert_code(lj_keys_give(&keys, "s", "k", &known), LJ_OK);
  assert_true(known);
  assert_int_equal(lj_keys_state(&keys, 0, 0), LJ_KEY_READY);
  assert_string_equal(keys.items[0].value, "k");
  lj_keys_free(&keys);
  parse("", &keys);
}

static void a_secret_that_the_app_has_not_lets_jobs_fail_with_its_name(void **state) {
  lj_keys keys;
  lj_fault fault;
  bool known = false;
  (void)state;
  lj_fault_clear(&fault);
  parse("{\"secret\":\"the name\"}", &keys);
  assert_code(lj_keys_give(&keys, "the name", NULL, &known), LJ_OK);
  assert_int_equal(lj_keys_state(&keys, 0, 0), LJ_KEY_MISSING);
  assert_true(lj_keys_usable(&keys, 0, 0));
  assert_code(lj_keys_explain(&keys, 0, "p", &fault), LJ_AUTH);
  assert_non_null(strstr(fault.message, "the name"));
  lj_keys_free(&keys);
  parse("", &keys);
}

static void a_value_that_ends_a_header_is_refused(void **state) {
  lj_keys keys;
  bool known = false;
  (void)state;
  parse("{\"secret\":\"s\"}", &keys);
  assert_code(lj_keys_give(&keys, "s", "k\r\nX-Evil: 1", &known), LJ_INVALID);
  assert_code(lj_keys_give(&keys, "s", "two words", &known), LJ_INVALID);
  assert_int_equal(lj_keys_state(&keys, 0, 0), LJ_KEY_AWAITED);
  lj_keys_free(&keys);
  parse("", &keys);
}

static void a_refused_key_is_passed_over_while_another_is_ready(void **state) {
  lj_keys keys;
  bool known = false;
  (void)state;
  parse("[{\"secret\":\"a\"},{\"secret\":\"b\"}]", &keys);
  assert_code(lj_keys_give(&keys, "a", "1", &known), LJ_OK);
  assert_code(lj_keys_give(&keys, "b", "2", &known), LJ_OK);
  lj_keys_refuse(&keys, 0, 1000);
  assert_false(lj_keys_usable(&keys, 0, 1000));
  assert_true(lj_keys_usable(&keys, 1, 1000));
  lj_keys_refuse(&keys, 1, 1000);
  assert_true(lj_keys_usable(&keys, 0, 1000)); /* the job's error says why */
  assert_true(lj_keys_usable(&keys, 1, 1000));
  assert_int_equal(lj_keys_state(&keys, 0, 1000 + 600000), LJ_KEY_READY);
  lj_keys_free(&keys);
  parse("", &keys);
}

static void another_value_ends_a_refusal_and_the_same_does_not(void **state) {
  lj_keys keys;
  bool known = false;
  (void)state;
  parse("{\"secret\":\"s\"}", &keys);
  assert_code(lj_keys_give(&keys, "s", "old", &known), LJ_OK);
  lj_keys_refuse(&keys, 0, 0);
  assert_code(lj_keys_give(&keys, "s", "old", &known), LJ_OK);
  assert_int_equal(lj_keys_state(&keys, 0, 0), LJ_KEY_REFUSED);
  assert_code(lj_keys_give(&keys, "s", "new", &known), LJ_OK);
  assert_int_equal(lj_keys_state(&keys, 0, 0), LJ_KEY_READY);
  assert_string_equal(keys.items[0].previous, "old");
  lj_keys_free(&keys);
  parse("", &keys);
}

static void giving_survives_every_failed_allocation(void **state) {
  (void)state;
  for (long nth = 1; nth < 10; nth++) {
    lj_keys keys;
    bool known = false;
    parse("[{\"secret\":\"s\"},{\"secret\":\"s\"}]", &keys);
    assert_code(lj_keys_give(&keys, "s", "old", &known), LJ_OK);
    lj_memory_fail_at(nth, 0);
    int code = lj_keys_give(&keys, "s", "new", &known);
    lj_memory_fail_at(0, 0);
    assert_code(code, nth <= 2 ? LJ_NOMEM : LJ_OK);
    lj_keys_free(&keys);
    parse("", &keys);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      tidy_test(a_secret_is_awaited_until_the_app_answers),
      tidy_test(a_secret_that_the_app_has_not_lets_jobs_fail_with_its_name),
      tidy_test(a_value_that_ends_a_header_is_refused),
      tidy_test(a_refused_key_is_passed_over_while_another_is_ready),
      tidy_test(another_value_ends_a_refusal_and_the_same_does_not),
      tidy_test(giving_survives_every_failed_allocation),
  };
  lj_memory_init();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
