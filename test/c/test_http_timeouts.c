/* SPDX-License-Identifier: MIT
 *
 * The timeouts of a call, with a virtual clock, so that they come when the test says so. Where the clock is real the test asks
 * for the code, never for the time it took.
 */
#include "base/clock.h"
#include "support/http_fixture.h"

static void first_byte_timeout(void **state) {
  http_fixture *fixture = *state;
  call_log log;
  lj_clock_virtual(1700000000000, 1000000000);
  loopback_script(fixture->server, (loopback_reply){.bytes = NULL, .then = LOOPBACK_SILENT});
  call_start_well(fixture, &log, (lj_timeouts){.connect_ms = 10000, .first_byte_ms = 5000, .idle_ms = 1000, .total_ms = 9000});
  call_reach(fixture, &log, 0);
  assert_int_equal(lj_http_deadline(fixture->http), lj_mono_ms() + 5000);
  lj_clock_advance(4999, 4999000);
  assert_code(lj_http_turn(fixture->http), LJ_OK);
  assert_int_equal(log.ends, 0);
  lj_clock_advance(1, 1000);
  assert_code(lj_http_turn(fixture->http), LJ_OK);
  assert_int_equal(log.ends, 1);
  assert_code(log.code, LJ_TIMEOUT_FIRST_BYTE);
  assert_non_null(strstr(log.fault.message, "5000 ms (timeouts.firstByteMs)"));
  assert_true(loopback_wait_open(fixture->server, 0)); /* and the connection is gone */
  call_log_free(&log);
}

static void idle_timeout_begins_anew_with_each_touch(void **state) {
  http_fixture *fixture = *state;
  call_log log;
  lj_clock_virtual(1700000000000, 1000000000);
  loopback_script(fixture->server, (loopback_reply){.bytes = HTTP_HEAD "Content-Length: 50\r\n\r\nHello", .then = LOOPBACK_SILENT});
  call_start_well(fixture, &log, (lj_timeouts){.connect_ms = 10000, .first_byte_ms = 500, .idle_ms = 1000, .total_ms = 9000});
  call_reach(fixture, &log, 5);
  for (int i = 0; i < 5; i++) {
    lj_clock_advance(900, 900000);
    assert_code(lj_http_turn(fixture->http), LJ_OK);
    assert_int_equal(log.ends, 0);
    lj_http_touch(log.call);
  }
  lj_clock_advance(999, 999000);
  assert_code(lj_http_turn(fixture->http), LJ_OK);
  assert_int_equal(log.ends, 0);
  lj_clock_advance(1, 1000);
  assert_code(lj_http_turn(fixture->http), LJ_OK);
  assert_int_equal(log.ends, 1);
  assert_code(log.code, LJ_TIMEOUT_IDLE);
  assert_non_null(strstr(log.fault.message, "1000 ms (timeouts.idleMs)"));
  call_log_free(&log);
}

static void total_timeout_comes_however_lively_the_answer_is(void **state) {
  http_fixture *fixture = *state;
  call_log log;
  lj_clock_virtual(1700000000000, 1000000000);
  loopback_script(fixture->server, (loopback_reply){.bytes = HTTP_HEAD "Content-Length: 50\r\n\r\nHello", .then = LOOPBACK_SILENT});
  call_start_well(fixture, &log, (lj_timeouts){.idle_ms = 1000, .total_ms = 3000});
  call_reach(fixture, &log, 5);
  for (int i = 0; i < 3; i++) {
    assert_int_equal(log.ends, 0);
    lj_http_touch(log.call);
    lj_clock_advance(999, 999000);
    assert_code(lj_http_turn(fixture->http), LJ_OK);
  }
  assert_int_equal(log.ends, 0);
  lj_http_touch(log.call);
  lj_clock_advance(3, 3000);
  assert_code(lj_http_turn(fixture->http), LJ_OK);
  assert_int_equal(log.ends, 1);
  assert_code(log.code, LJ_TIMEOUT_TOTAL);
  assert_non_null(strstr(log.fault.message, "3000 ms (timeouts.totalMs)"));
  call_log_free(&log);
}

static void no_limit_is_no_timer(void **state) {
  http_fixture *fixture = *state;
  call_log log;
  lj_clock_virtual(1700000000000, 1000000000);
  loopback_script(fixture->server, (loopback_reply){.bytes = HTTP_HEAD "Content-Length: 50\r\n\r\nHello", .then = LOOPBACK_SILENT});
  call_start_well(fixture, &log, (lj_timeouts){0});
  assert_true(lj_http_deadline(fixture->http) == INT64_MAX);
  call_reach(fixture, &log, 5);
  lj_clock_advance(1000000000, 1000000000000);
  assert_code(lj_http_turn(fixture->http), LJ_OK);
  assert_int_equal(log.ends, 0);
  lj_http_abort(fixture->http, log.call);
  call_log_free(&log);
}

static void real_clock_ends_a_silent_call_too(void **state) {
  http_fixture *fixture = *state;
  call_log log;
  loopback_script(fixture->server, (loopback_reply){.bytes = NULL, .then = LOOPBACK_SILENT});
  call_start_well(fixture, &log, (lj_timeouts){.connect_ms = 10000, .first_byte_ms = 30, .total_ms = 20000});
  call_drive(fixture, &log);
  assert_code(log.code, LJ_TIMEOUT_FIRST_BYTE);
  call_log_free(&log);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      http_test(first_byte_timeout),
      http_test(idle_timeout_begins_anew_with_each_touch),
      http_test(total_timeout_comes_however_lively_the_answer_is),
      http_test(no_limit_is_no_timer),
      http_test(real_clock_ends_a_silent_call_too),
  };
  lj_memory_init();
  return cmocka_run_group_tests_name("http timeouts", tests, NULL, NULL);
}
