/* SPDX-License-Identifier: MIT
 *
 * Searching texts: the dialect, what is refused, and that no pattern and no text can take long.
 */
#include "base/clock.h"
#include "base/pattern.h"
#include "support/test.h"

static lj_pattern *open_pattern(const char *text) {
  lj_pattern *pattern = NULL;
  lj_fault fault;
  lj_fault_clear(&fault);
  if (lj_pattern_open(text, &pattern, &fault) != LJ_OK) fail_msg("%s: %s", text, fault.message);
  return pattern;
}

static const struct {
  const char *pattern;
  const char *text;
  bool found;
} searches[] = {
    {"b", "abc", true},
    {"^b", "abc", false},
    {"^a.c$", "abc", true},
    {"c$", "abc\n", false}, /* $ is the very end, as in JavaScript */
    {"^.$", "é", true},     /* characters, not bytes */
    {"^.$", "😀", true},
    {"\\u00e9", "é", true},
    {"\\u{1f600}", "😀", true},
    {"^\\p{Lu}", "Ärger", true},
    {"^\\d$", "٣", false}, /* \d is 0 to 9 */
    {"(?i)SECRET", "a secret", true},
    {"secret", "a SECRET", false},
    {"[]", "a", false}, /* JavaScript's empty class */
    {"^[^]$", "\n", true},
    {"^(a|b)\\1$", "bb", true},
    {"^(?:(a)|b)\\1$", "b", true}, /* a group that took no part is empty */
    {"(?<year>\\d{4})-\\k<year>", "2024-2024", true},
    {"(?<=\\$)\\d+", "cost $15", true},
    {"", "", true},
};

static void finds_as_javascript_does(void **state) {
  (void)state;
  for (size_t at = 0; at < COUNT_OF(searches); at++) {
    lj_pattern *pattern = open_pattern(searches[at].pattern);
    int64_t steps = LJ_MAX_FILTER_STEPS;
    bool found = !searches[at].found;
    assert_code(lj_pattern_find(pattern, searches[at].text, strlen(searches[at].text), &steps, &found), LJ_OK);
    if (found != searches[at].found) fail_msg("/%s/ in \"%s\"", searches[at].pattern, searches[at].text);
    lj_pattern_close(pattern);
  }
}

static const struct {
  const char *pattern;
  const char *text;
  const char *replaced;
} replacements[] = {
    {"\\d+", "1 and 22 and 3", "# and # and #"},
    {"\\d*", "a1b", "a#b"}, /* nothing is no occurrence */
    {"x", "abc", "abc"},
    {"ab", "ababab", "###"},
    {"é", "éaé", "#a#"},
    {"a\\Kb", "abab", "a#a#"},
    {"^a", "aaa", "#aa"},
    {".+", "all\nof it", "#\n#"},
};

static void replaces_each_occurrence(void **state) {
  (void)state;
  for (size_t at = 0; at < COUNT_OF(replacements); at++) {
    lj_pattern *pattern = open_pattern(replacements[at].pattern);
    int64_t steps = LJ_MAX_FILTER_STEPS;
    bool found = false;
    lj_buffer out;
    lj_buffer_init(&out, 1000);
    assert_code(lj_pattern_replace(pattern, replacements[at].text, strlen(replacements[at].text), "#", &steps, &out, &found), LJ_OK);
    assert_string_equal(out.data, replacements[at].replaced);
    assert_int_equal(found, strchr(out.data, '#') != NULL);
    lj_buffer_free(&out);
    lj_pattern_close(pattern);
  }
}

static void a_wrong_pattern_is_refused_with_its_place(void **state) {
  static const char *const wrong[] = {"(SECRET", "SECRET[", "SECRET\\C", "*SECRET", "SECRET(?<n", "((a{1,9999}){1,9999}){1,9999}",
                                      "\\ud800", "SECRET\\"};
  (void)state;
  for (size_t at = 0; at < COUNT_OF(wrong); at++) {
    lj_pattern *pattern = NULL;
    lj_fault fault;
    assert_code(lj_pattern_open(wrong[at], &pattern, &fault), LJ_INVALID);
    assert_null(pattern);
    assert_non_null(strstr(fault.message, "found after"));
    assert_null(strstr(fault.message, "SECRET"));
  }
  char *lengthy = lj_malloc(LJ_MAX_PATTERN_BYTES + 2);
  lj_pattern *pattern = NULL;
  lj_fault fault;
  memset(lengthy, 'a', LJ_MAX_PATTERN_BYTES + 1);
  lengthy[LJ_MAX_PATTERN_BYTES + 1] = '\0';
  assert_code(lj_pattern_open(lengthy, &pattern, &fault), LJ_INVALID);
  lengthy[LJ_MAX_PATTERN_BYTES] = '\0';
  assert_code(lj_pattern_open(lengthy, &pattern, &fault), LJ_OK);
  lj_pattern_close(pattern);
  lj_free(lengthy);
}

static void a_text_that_is_no_utf8_is_refused(void **state) {
  static const char *const wrong[] = {"a\xff", "\xc3", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc0\x80"};
  lj_pattern *pattern = open_pattern("b");
  (void)state;
  for (size_t at = 0; at < COUNT_OF(wrong); at++) {
    int64_t steps = LJ_MAX_FILTER_STEPS;
    bool found = true;
    assert_code(lj_pattern_find(pattern, wrong[at], strlen(wrong[at]), &steps, &found), LJ_INVALID);
    assert_false(found);
  }
  lj_pattern_close(pattern);
}

/* Each of these would run for minutes to centuries without the account of steps. */
static const char *const endless[] = {
    "^(a+)+$",      "(a|aa)+$",          "(a*)*b",    "(.*)*(.*)*(.*)*=", "a{65535}b", "(a{0,500}){0,50}b", "(.*)(?:\\1b|\\1c)", "(?:a+\\s*)+!",
    "(?=(a+))\\1b", "(?<!b)(?:a*?)*?c$", "(?R)?a*+b", "((?:a?){50})+b",   "[ab]*[bc]*[ac]*d",
};

static void no_search_is_endless(void **state) {
  size_t length = 400000;
  static const char end[] = "\n=!bcd "; /* so that no search ends because a character is nowhere in the text */
  char *text = lj_malloc(length + sizeof end);
  (void)state;
  memset(text, 'a', length);
  memcpy(text + length, end, sizeof end);
  length += sizeof end - 1;
  for (size_t at = 0; at < COUNT_OF(endless); at++) {
    lj_pattern *pattern = open_pattern(endless[at]);
    int64_t steps = LJ_MAX_FILTER_STEPS;
    bool found = false;
    int64_t since = lj_mono_us();
    int code = lj_pattern_find(pattern, text, length, &steps, &found);
    if (getenv("LJ_TEST_TIMES") != NULL) print_message("%8lld us, %s, %lld steps left: %s\n", (long long)(lj_mono_us() - since), lj_code_name(code), (long long)steps, endless[at]);
    assert_true(code == LJ_TOO_BIG || code == LJ_OK);
    lj_pattern_close(pattern);
  }
  lj_free(text);
}

static void an_ordinary_search_of_a_long_text_has_steps_to_spare(void **state) {
  static const char *const ordinary[] = {"\\bSECRET\\b", "(?i)password\\s*[:=]", "[A-Z]{2}\\d{2}(?: ?\\d{4}){4}", "\\b\\d{3}-\\d{2}-\\d{4}\\b",
                                         "[\\w.+-]+@[\\w-]+\\.[\\w.]+"};
  static const char sentence[] = "The quick brown fox jumps over the lazy dog in 2024, and 17 others look on. ";
  size_t length = 1000000;
  char *text = lj_malloc(length + 1);
  (void)state;
  for (size_t at = 0; at < length; at++) text[at] = sentence[at % (sizeof sentence - 1)];
  text[length] = '\0';
  for (size_t at = 0; at < COUNT_OF(ordinary); at++) {
    lj_pattern *pattern = open_pattern(ordinary[at]);
    int64_t steps = LJ_MAX_FILTER_STEPS;
    bool found = true;
    int64_t since = lj_mono_us();
    assert_code(lj_pattern_find(pattern, text, length, &steps, &found), LJ_OK);
    if (getenv("LJ_TEST_TIMES") != NULL) print_message("%8lld us, %lld steps left: %s\n", (long long)(lj_mono_us() - since), (long long)steps, ordinary[at]);
    assert_false(found);
    lj_pattern_close(pattern);
  }
  lj_free(text);
}

static void every_allocation_may_fail(void **state) {
  long before = lj_memory_live();
  (void)state;
  for (int sticky = 0; sticky <= 1; sticky++) {
    int code = LJ_NOMEM;
    long nth;
    for (nth = 1; nth < 200 && code == LJ_NOMEM; nth++) {
      lj_pattern *pattern = NULL;
      lj_fault fault;
      lj_buffer out;
      int64_t steps = LJ_MAX_FILTER_STEPS;
      bool found = false;
      lj_buffer_init(&out, 1000000);
      lj_memory_fail_at(nth, sticky);
      code = lj_pattern_open("(a|b)*c(?<n>d)\\k<n>", &pattern, &fault);
      if (code == LJ_OK) code = lj_pattern_replace(pattern, "ababcddx", 8, "#", &steps, &out, &found);
      lj_memory_fail_at(0, 0);
      assert_true(code == LJ_OK || code == LJ_NOMEM);
      if (code == LJ_OK) assert_string_equal(out.data, "#x");
      lj_buffer_free(&out);
      lj_pattern_close(pattern);
      assert_int_equal(lj_memory_live(), before);
    }
    assert_true(nth > 5 && nth < 200);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(finds_as_javascript_does),
      cmocka_unit_test(replaces_each_occurrence),
      cmocka_unit_test(a_wrong_pattern_is_refused_with_its_place),
      cmocka_unit_test(a_text_that_is_no_utf8_is_refused),
      cmocka_unit_test(no_search_is_endless),
      cmocka_unit_test(an_ordinary_search_of_a_long_text_has_steps_to_spare),
      cmocka_unit_test(every_allocation_may_fail),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
