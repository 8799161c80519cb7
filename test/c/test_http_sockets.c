/* SPDX-License-Identifier: MIT
 *
 * What the client waits for between two turns: only sockets that have something end a sleep and are run, whatever became of the
 * others in the meantime.
 */
#include "support/http_fixture.h"

enum { LONG_MS = 600000 }; /* were a sleep of it not ended, the runner's limit would end the test */

#define BEGUN HTTP_HEAD "Content-Length: 50\r\n\r\nHello"

/* Polls with a call that has nothing to tell ask the system, and that must not swallow the wake-up. */
static void wake_up_before_a_turn_still_ends_the_poll_after_it(void **state) {
  http_fixture *fixture = *state;
  call_log log;
  loopback_script(fixture->server, (loopback_reply){.bytes = BEGUN, .then = LOOPBACK_SILENT});
  call_start_well(fixture, &log, patient_timeouts);
  call_reach(fixture, &log, 5);
  for (int i = 0; i < 20; i++) {
    lj_http_wake(fixture->http);
    assert_code(lj_http_turn(fixture->http), LJ_OK);
    assert_code(lj_http_turn(fixture->http), LJ_OK);
    assert_code(lj_http_poll(fixture->http, LONG_MS), LJ_OK);
  }
  lj_http_abort(fixture->http, log.call);
  call_log_free(&log);
}

static void poll_sleeps_while_sockets_are_silent_and_ends_when_one_is_not(void **state) {
  http_fixture *fixture = *state;
  call_log log;
  loopback_script(fixture->server, (loopback_reply){.bytes = HTTP_WHOLE, .gate = strlen(HTTP_WHOLE) - 1});
  call_start_well(fixture, &log, patient_timeouts);
  call_reach(fixture, &log, 4);
  uint64_t before = lj_http_bytes(fixture->http);
  for (int i = 0; i < 5; i++) {
    assert_code(lj_http_poll(fixture->http, 1), LJ_OK);
    assert_code(lj_http_turn(fixture->http), LJ_OK);
  }
  assert_true(lj_http_bytes(fixture->http) == before);
  loopback_open_gate(fixture->server);
  for (int i = 0; log.ends == 0; i++) {
    assert_true(i < 20);
    assert_code(lj_http_poll(fixture->http, LONG_MS), LJ_OK);
    assert_code(lj_http_turn(fixture->http), LJ_OK);
  }
  assert_hello(&log);
  call_log_free(&log);
}

/* More transfers than there is room for at first, and each in turn is the one that has something. */
static void each_of_many_calls_is_run_when_its_socket_has_something(void **state) {
  enum { CALLS = 200, SILENT = 40 };
  http_fixture *fixture = *state;
  static call_log silent[SILENT];
  loopback_script(fixture->server, (loopback_reply){.bytes = BEGUN, .then = LOOPBACK_SILENT, .times = SILENT});
  loopback_script(fixture->server, (loopback_reply){.bytes = HTTP_WHOLE});
  for (size_t i = 0; i < SILENT; i++) {
    call_start_well(fixture, &silent[i], patient_timeouts);
    call_reach(fixture, &silent[i], 5);
  }
  for (int i = 0; i < CALLS; i++) {
    call_log log;
    call_run(fixture, &log);
    assert_hello(&log);
    call_log_free(&log);
  }
  for (size_t i = 0; i < SILENT; i++) {
    assert_int_equal(silent[i].ends, 0);
    assert_int_equal(silent[i].body.length, 5);
    lj_http_abort(fixture->http, silent[i].call);
    call_log_free(&silent[i]);
  }
}

/* A new connection often gets the number of the socket that was closed just before, of which the poll has told something. */
static void socket_that_takes_the_number_of_an_aborted_one_is_another_one(void **state) {
  http_fixture *fixture = *state;
  for (int i = 0; i < 20; i++) {
    call_log first;
    call_log second;
    loopback_clear(fixture->server);
    loopback_close_gate(fixture->server);
    loopback_script(fixture->server, (loopback_reply){.bytes = BEGUN, .then = LOOPBACK_SILENT, .gate = strlen(BEGUN) - 1, .times = 1});
    loopback_script(fixture->server, (loopback_reply){.bytes = HTTP_WHOLE});
    call_start_well(fixture, &first, patient_timeouts);
    call_reach(fixture, &first, 4);
    loopback_open_gate(fixture->server);
    assert_code(lj_http_poll(fixture->http, LONG_MS), LJ_OK); /* the last byte is there, and is not read any more */
    lj_http_abort(fixture->http, first.call);
    call_start_well(fixture, &second, patient_timeouts);
    call_drive(fixture, &second);
    assert_hello(&second);
    assert_int_equal(first.body.length, 4);
    assert_int_equal(first.ends, 0);
    call_log_free(&first);
    call_log_free(&second);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      http_test(wake_up_before_a_turn_still_ends_the_poll_after_it),
      http_test(poll_sleeps_while_sockets_are_silent_and_ends_when_one_is_not),
      http_test(each_of_many_calls_is_run_when_its_socket_has_something),
      http_test(socket_that_takes_the_number_of_an_aborted_one_is_another_one),
  };
  lj_memory_init();
  return cmocka_run_group_tests_name("http sockets", tests, NULL, NULL);
}
