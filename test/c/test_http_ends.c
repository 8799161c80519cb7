/* SPDX-License-Identifier: MIT
 *
 * Calls that end before their answer does: the listener has enough of it, somebody aborts the call, or the client is closed.
 * And a poll that ends because it is woken.
 */
#include "base/clock.h"
#include "base/thread.h"
#include "support/http_fixture.h"

static void complete_answer_ends_at_once_though_the_server_never_ends_it(void **state) {
  http_fixture *fixture = *state;
  call_log log;
  loopback_script(fixture->server, (loopback_reply){.bytes = HTTP_HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nHello\r\n", .then = LOOPBACK_SILENT});
  call_start_well(fixture, &log, patient_timeouts);
  log.answer = LJ_CLOSED;
  log.answer_after = 5;
  call_drive(fixture, &log);
  assert_hello(&log);
  /* The connection is let go when its end does not follow. */
  for (int i = 0; loopback_open(fixture->server) > 0; i++) {
    assert_true(i < 5000);
    assert_code(lj_http_turn(fixture->http), LJ_OK);
    assert_code(lj_http_poll(fixture->http, 5), LJ_OK);
  }
  assert_true(lj_http_deadline(fixture->http) == INT64_MAX);
  call_log_free(&log);
}

static void connection_of_a_complete_answer_is_used_again_when_its_end_follows(void **state) {
  http_fixture *fixture = *state;
  lj_clock_virtual(1700000000000, 1000000000); /* stands still: the wait for the end does not run out */
  loopback_script(fixture->server, (loopback_reply){.bytes = HTTP_CHUNKED, .gate = strlen(HTTP_CHUNKED) - 5});
  for (int i = 0; i < 3; i++) {
    call_log log;
    loopback_close_gate(fixture->server);
    call_start_well(fixture, &log, patient_timeouts);
    log.answer = LJ_CLOSED;
    log.answer_after = 5;
    call_drive(fixture, &log); /* the end of the body is still behind the gate */
    assert_hello(&log);
    for (int turn = 0; turn < 3; turn++) assert_code(lj_http_turn(fixture->http), LJ_OK); /* it is still waited for */
    loopback_open_gate(fixture->server);
    for (int turn = 0; lj_http_deadline(fixture->http) != INT64_MAX && turn < 20; turn++) {
      assert_code(lj_http_turn(fixture->http), LJ_OK);
      assert_code(lj_http_poll(fixture->http, 20), LJ_OK);
    }
    call_log_free(&log);
  }
  assert_int_equal(loopback_requests(fixture->server), 3);
  assert_int_equal(loopback_connections(fixture->server), 1);
}

static void what_follows_a_complete_answer_is_not_told(void **state) {
  static const char reply[] = HTTP_HEAD "Content-Length: 10\r\n\r\nHelloWorld";
  http_fixture *fixture = *state;
  call_log log;
  loopback_script(fixture->server, (loopback_reply){.bytes = reply, .gate = strlen(reply) - 5});
  call_start_well(fixture, &log, patient_timeouts);
  log.answer = LJ_CLOSED;
  log.answer_after = 5;
  call_drive(fixture, &log);
  loopback_open_gate(fixture->server);
  for (int i = 0; lj_http_bytes(fixture->http) < 10; i++) {
    assert_true(i < 20000);
    assert_code(lj_http_turn(fixture->http), LJ_OK);
    assert_code(lj_http_poll(fixture->http, 1), LJ_OK);
  }
  assert_hello(&log);
  assert_int_equal(log.ends, 1);
  call_log_free(&log);
}

static void code_of_on_body_is_what_on_end_gets(void **state) {
  static const int codes[] = {LJ_RATE_LIMITED, LJ_NOMEM, LJ_RESPONSE_TOO_LARGE, LJ_TOO_BIG};
  http_fixture *fixture = *state;
  loopback_script(fixture->server, (loopback_reply){.bytes = HTTP_WHOLE});
  for (size_t i = 0; i < COUNT_OF(codes); i++) {
    call_log log;
    call_start_well(fixture, &log, patient_timeouts);
    log.answer = codes[i];
    call_drive(fixture, &log);
    assert_code(log.code, codes[i]);
    assert_code(log.fault.code, codes[i]);
    assert_string_equal(log.fault.message, "");
    call_log_free(&log);
  }
}

static void aborted_call_is_never_told_of_again(void **state) {
  http_fixture *fixture = *state;
  call_log log;
  loopback_script(fixture->server, (loopback_reply){.bytes = HTTP_HEAD "Content-Length: 50\r\n\r\nHello", .then = LOOPBACK_SILENT});
  call_start_well(fixture, &log, patient_timeouts);
  call_reach(fixture, &log, 5);
  lj_http_abort(fixture->http, log.call);
  assert_true(loopback_wait_open(fixture->server, 0));
  for (int i = 0; i < 5; i++) assert_code(lj_http_turn(fixture->http), LJ_OK);
  assert_int_equal(log.ends, 0);
  call_log_free(&log);
}

static void closing_aborts_what_runs(void **state) {
  http_fixture *fixture = *state;
  call_log logs[3];
  loopback_script(fixture->server, (loopback_reply){.bytes = NULL, .then = LOOPBACK_SILENT});
  for (int i = 0; i < 3; i++) call_start_well(fixture, &logs[i], patient_timeouts);
  call_reach(fixture, &logs[0], 0);
  lj_http_close(fixture->http);
  fixture->http = NULL;
  assert_true(loopback_wait_open(fixture->server, 0));
  for (int i = 0; i < 3; i++) {
    assert_int_equal(logs[i].ends, 0);
    call_log_free(&logs[i]);
  }
}

typedef struct chain {
  http_fixture *fixture;
  call_log first;
  call_log second;
  call_log third;
} chain;

/* From on_end a listener may start one call and abort another. */
static void on_first_end(void *owner, int code, const lj_fault *fault) {
  chain *all = owner;
  call_on_end(&all->first, code, fault);
  if (all->second.call != NULL) lj_http_abort(all->fixture->http, all->second.call);
  all->second.call = NULL;
  call_start_well(all->fixture, &all->third, patient_timeouts);
}
static void chain_status(void *owner, int status) { call_on_status(&((chain *)owner)->first, status); }
static void chain_header(void *owner, const char *name, size_t name_length, const char *value, size_t value_length) {
  call_on_header(&((chain *)owner)->first, name, name_length, value, value_length);
}
static int chain_body(void *owner, const char *bytes, size_t length) { return call_on_body(&((chain *)owner)->first, bytes, length); }

static void listener_may_start_and_abort_calls(void **state) {
  http_fixture *fixture = *state;
  chain all = {.fixture = fixture};
  lj_fault fault;
  loopback_script(fixture->server, (loopback_reply){.bytes = HTTP_WHOLE});
  call_log_init(&all.first, loopback_port(fixture->server));
  lj_call_options options = {
      .wire = &all.first.wire,
      .timeouts = patient_timeouts,
      .target = "test",
      .listener = {.owner = &all, .on_status = chain_status, .on_header = chain_header, .on_body = chain_body, .on_end = on_first_end}};
  assert_code(lj_http_start(fixture->http, &options, &all.first.call, &fault), LJ_OK);
  call_start_well(fixture, &all.second, patient_timeouts);
  /* Both ends may be due in the same turn. */
  for (int i = 0; loopback_requests(fixture->server) < 2; i++) {
    assert_true(i < 20000);
    assert_code(lj_http_turn(fixture->http), LJ_OK);
    if (all.first.ends > 0) break;
    assert_code(lj_http_poll(fixture->http, 1), LJ_OK);
  }
  call_drive(fixture, &all.first);
  call_drive(fixture, &all.third);
  assert_hello(&all.third);
  assert_in_range(all.second.ends, 0, 1);
  call_log_free(&all.first);
  call_log_free(&all.second);
  call_log_free(&all.third);
}

typedef struct waker {
  lj_http *http;
  lj_thread thread;
} waker;

static void wake_once(void *argument) { lj_http_wake(((waker *)argument)->http); }

static void wake_ends_a_long_poll(void **state) {
  http_fixture *fixture = *state;
  for (int i = 0; i < 20; i++) {
    waker other = {.http = fixture->http};
    assert_code(lj_thread_start(&other.thread, "waker", wake_once, &other), LJ_OK);
    /* Were it not woken, the test would hang and the runner's limit end it. */
    assert_code(lj_http_poll(fixture->http, 600000), LJ_OK);
    lj_thread_join(&other.thread);
  }
  lj_http_wake(fixture->http); /* before the poll counts too */
  assert_code(lj_http_poll(fixture->http, 600000), LJ_OK);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      http_test(complete_answer_ends_at_once_though_the_server_never_ends_it),
      http_test(connection_of_a_complete_answer_is_used_again_when_its_end_follows),
      http_test(what_follows_a_complete_answer_is_not_told),
      http_test(code_of_on_body_is_what_on_end_gets),
      http_test(aborted_call_is_never_told_of_again),
      http_test(closing_aborts_what_runs),
      http_test(listener_may_start_and_abort_calls),
      http_test(wake_ends_a_long_poll),
  };
  lj_memory_init();
  return cmocka_run_group_tests_name("http ends", tests, NULL, NULL);
}
