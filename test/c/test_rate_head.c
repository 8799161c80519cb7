/* SPDX-License-Identifier: MIT
 *
 * Headers that tell a provider's limits, in all the forms in which providers write them.
 */
#include "provider/rate_head.h"
#include "support/test.h"

enum { HOUR_MS = 3600000, DAY_MS = 86400000 };
static const int64_t NOW = INT64_C(1795241252000); /* 2026-11-21T06:07:32Z */

static void read(lj_rate *rates, const char *name, const char *value) {
  lj_rate_head_read(rates, name, strlen(name), value, strlen(value), NOW);
}

static void reset_has_many_forms(void **state) {
  static const struct {
    const char *text;
    int64_t ms;
  } forms[] = {
      {"12ms", 12}, {"1s", 1000}, {"6m0s", 360000}, {"1h2m3.5s", 3723500}, {"500us", 1}, {"500\xC2\xB5s", 1}, {"1d", DAY_MS},
      {"7d", DAY_MS}, {"0s", 0}, {"0", 0}, {"30", 30000}, {"1.5", 1500},
      {"1795241262", 10000}, {"1795241262000", 10000}, {"1795241242", 0},
      {"2026-11-21T06:07:42Z", 10000}, {"2026-11-21T06:07:42.250Z", 10250}, {"2026-11-21T07:07:42+01:00", 10000},
      {"2026-11-21T00:37:42-05:30", 10000}, {"2026-11-21T06:00:00Z", 0}, {"2030-01-01T00:00:00Z", DAY_MS},
      {"", -1}, {"soon", -1}, {"-5", -1}, {"1x", -1}, {"s", -1}, {"1s2", -1}, {"2026-13-21T06:07:42Z", -1}, {"2026-11-21T06:07:42", -1},
      {"2026-11-21T06:07:42+0100", -1}, {"1e9", -1}, {"inf", -1}, {"1s ", -1},
  };
  (void)state;
  for (size_t i = 0; i < COUNT_OF(forms); i++) {
    lj_rate rates[LJ_RATE_KINDS];
    lj_rate_head_clear(rates);
    read(rates, "x-ratelimit-reset-requests", forms[i].text);
    if (rates[LJ_RATE_REQUESTS].reset_ms != forms[i].ms)
      fail_msg("\"%s\": %lld", forms[i].text, (long long)rates[LJ_RATE_REQUESTS].reset_ms);
  }
}

static void names_of_openai_and_of_anthropic_are_known_in_any_case(void **state) {
  lj_rate rates[LJ_RATE_KINDS];
  (void)state;
  lj_rate_head_clear(rates);
  read(rates, "X-RateLimit-Limit-Requests", "500");
  read(rates, "x-ratelimit-remaining-requests", "499");
  read(rates, "x-ratelimit-remaining-tokens", "149984");
  read(rates, "anthropic-ratelimit-input-tokens-remaining", "0");
  read(rates, "anthropic-ratelimit-input-tokens-reset", "2026-11-21T06:07:35Z");
  read(rates, "anthropic-ratelimit-output-tokens-limit", "8000");
  assert_int_equal(rates[LJ_RATE_REQUESTS].limit, 500);
  assert_int_equal(rates[LJ_RATE_REQUESTS].remaining, 499);
  assert_int_equal(rates[LJ_RATE_REQUESTS].reset_ms, -1);
  assert_int_equal(rates[LJ_RATE_TOKENS].remaining, 149984);
  assert_int_equal(rates[LJ_RATE_INPUT_TOKENS].remaining, 0);
  assert_int_equal(rates[LJ_RATE_INPUT_TOKENS].reset_ms, 3000);
  assert_int_equal(rates[LJ_RATE_OUTPUT_TOKENS].limit, 8000);
  assert_int_equal(lj_rate_head_wait_ms(rates), 3000);
  read(rates, "x-ratelimit-remaining", "0"); /* without a kind: requests */
  read(rates, "x-ratelimit-reset", "1795241262");
  assert_int_equal(rates[LJ_RATE_REQUESTS].remaining, 0);
  assert_int_equal(lj_rate_head_wait_ms(rates), 10000);
}

static void other_headers_and_spoilt_values_say_nothing(void **state) {
  lj_rate rates[LJ_RATE_KINDS];
  char big[300];
  (void)state;
  memset(big, '9', sizeof big - 1);
  big[sizeof big - 1] = '\0';
  lj_rate_head_clear(rates);
  read(rates, "x-ratelimit-remaining-tokens_usage_based", "0");
  read(rates, "x-ratelimit-remaining-images", "0");
  read(rates, "x-ratelimit-", "0");
  read(rates, "anthropic-ratelimit-requests", "0");
  read(rates, "anthropic-ratelimit-tokens-remaining-x", "0");
  read(rates, "content-type", "0");
  read(rates, "x-ratelimit-remaining-requests", big);
  read(rates, "x-ratelimit-remaining-tokens", "-1");
  read(rates, big, "0");
  lj_rate_head_read(rates, "x-ratelimit-remaining-requests", 30, "0\0", 2, NOW);
  for (int i = 0; i < LJ_RATE_KINDS; i++) {
    assert_int_equal(rates[i].limit, -1);
    assert_int_equal(rates[i].remaining, -1);
    assert_int_equal(rates[i].reset_ms, -1);
  }
  assert_int_equal(lj_rate_head_wait_ms(rates), -1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(reset_has_many_forms),
      cmocka_unit_test(names_of_openai_and_of_anthropic_are_known_in_any_case),
      cmocka_unit_test(other_headers_and_spoilt_values_say_nothing),
  };
  return cmocka_run_group_tests_name("rate limit headers", tests, NULL, NULL);
}
