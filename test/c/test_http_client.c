/* SPDX-License-Identifier: MIT
 *
 * The HTTP client against a real socket: what the listener is told, which trouble gets which code, and that connections are
 * used again.
 */
#include <time.h>

#include "support/http_fixture.h"

#define UNTIL_CLOSE HTTP_HEAD "\r\nHello"

static void answer_arrives_however_it_is_framed_and_cut(void **state) {
  static const struct {
    const char *bytes;
    loopback_then then;
  } forms[] = {{HTTP_WHOLE, LOOPBACK_KEEP}, {HTTP_CHUNKED, LOOPBACK_KEEP}, {UNTIL_CLOSE, LOOPBACK_CLOSE}, {HTTP_WHOLE, LOOPBACK_CLOSE}};
  static const struct {
    size_t piece;
    int pause_ms;
  } cuts[] = {{0, 0}, {1, 0}, {7, 1}};
  http_fixture *fixture = *state;
  for (size_t form = 0; form < COUNT_OF(forms); form++)
    for (size_t cut = 0; cut < COUNT_OF(cuts); cut++) {
      call_log log;
      loopback_clear(fixture->server);
      loopback_script(fixture->server, (loopback_reply){.bytes = forms[form].bytes, .then = forms[form].then, .piece = cuts[cut].piece, .pause_ms = cuts[cut].pause_ms});
      call_run(fixture, &log);
      assert_hello(&log);
      call_log_free(&log);
    }
  assert_int_equal(lj_http_bytes(fixture->http), 5 * COUNT_OF(forms) * COUNT_OF(cuts));
}

static void request_is_sent_as_the_wire_says(void **state) {
  http_fixture *fixture = *state;
  call_log log;
  loopback_script(fixture->server, (loopback_reply){.bytes = HTTP_WHOLE});
  call_run(fixture, &log);
  char *request = loopback_request(fixture->server, 0);
  assert_non_null(request);
  assert_memory_equal(request, "POST /v1/chat HTTP/1.1\r\n", 24);
  assert_non_null(strstr(request, "\r\nContent-Type: application/json\r\n"));
  assert_non_null(strstr(request, "\r\nAuthorization: Bearer sk-test\r\n"));
  assert_non_null(strstr(request, "\r\nUser-Agent: llm-jobs/"));
  assert_non_null(strstr(request, "\r\nContent-Length: 7\r\n"));
  assert_null(strstr(request, "Expect:"));
  assert_string_equal(strstr(request, "\r\n\r\n"), "\r\n\r\n{\"a\":1}");
  free(request);
  call_log_free(&log);
}

static void get_sends_no_body(void **state) {
  http_fixture *fixture = *state;
  call_log log;
  lj_fault fault;
  loopback_script(fixture->server, (loopback_reply){.bytes = HTTP_WHOLE});
  call_log_init(&log, loopback_port(fixture->server));
  log.wire.method = "GET";
  assert_code(call_start(fixture, &log, patient_timeouts, &fault), LJ_OK);
  call_drive(fixture, &log);
  assert_int_equal(loopback_count(fixture->server, "GET /v1/chat HTTP/1.1\r\n"), 1);
  assert_int_equal(loopback_count(fixture->server, "{\"a\":1}"), 0);
  call_log_free(&log);
}

/* The one before it had another method, other headers, a proxy, and a name and password in its address. */
static void call_carries_nothing_over_from_the_one_before_it(void **state) {
  http_fixture *fixture = *state;
  int port = loopback_port(fixture->server);
  char proxy[64];
  (void)snprintf(proxy, sizeof proxy, "http://127.0.0.1:%d", port);
  loopback_script(fixture->server, (loopback_reply){.bytes = HTTP_WHOLE});
  for (int i = 0; i < 4; i++) {
    bool plain = i % 2 == 1;
    call_log log;
    lj_fault fault;
    call_log_init(&log, port);
    lj_buffer_clear(&log.wire.headers);
    if (!plain) {
      lj_buffer_clear(&log.wire.url);
      assert_code(lj_buffer_printf(&log.wire.url, "http://user:word@127.0.0.1:%d/other", port), LJ_OK);
      assert_code(lj_wire_header(&log.wire, "X-Other", "1"), LJ_OK);
    }
    if (i == 1 || i == 2) log.wire.method = "GET";
    lj_call_options options = {
        .wire = &log.wire,
        .timeouts = patient_timeouts,
        .target = "test",
        .proxy = plain ? NULL : proxy,
        .listener = {.owner = &log, .on_status = call_on_status, .on_header = call_on_header, .on_body = call_on_body, .on_end = call_on_end}};
    assert_code(lj_http_start(fixture->http, &options, &log.call, &fault), LJ_OK);
    call_drive(fixture, &log);
    char *request = loopback_request(fixture->server, (size_t)i);
    assert_non_null(request);
    assert_true((strstr(request, " http://") != NULL) == !plain);
    assert_true((strstr(request, "\r\nAuthorization: Basic ") != NULL) == !plain);
    assert_true((strstr(request, "\r\nX-Other: 1\r\n") != NULL) == !plain);
    assert_true((strstr(request, "{\"a\":1}") != NULL) == (i == 0 || i == 3));
    assert_int_equal(strncmp(request, i == 0 || i == 3 ? "POST " : "GET ", 4), 0);
    free(request);
    call_log_free(&log);
  }
}

static void other_statuses_are_answers_too(void **state) {
  http_fixture *fixture = *state;
  call_log log;
  loopback_script(fixture->server, (loopback_reply){.bytes = "HTTP/1.1 429 Slow Down\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\n{}"});
  call_run(fixture, &log);
  assert_code(log.code, LJ_OK);
  assert_int_equal(log.status, 429);
  assert_non_null(strstr(log.text.data, "[Retry-After=7]"));
  assert_string_equal(log.body.data, "{}");
  call_log_free(&log);
}

static void informational_heads_come_before_the_real_one(void **state) {
  http_fixture *fixture = *state;
  call_log log;
  loopback_script(fixture->server, (loopback_reply){.bytes = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" HTTP_WHOLE});
  call_run(fixture, &log);
  assert_hello(&log);
  assert_int_equal(log.statuses, 2);
  call_log_free(&log);
}

static void redirect_is_not_followed_and_carries_no_key(void **state) {
  http_fixture *fixture = *state;
  loopback_server *other = loopback_start();
  char reply[256];
  call_log log;
  assert_non_null(other);
  (void)snprintf(reply, sizeof reply, "HTTP/1.1 307 Elsewhere\r\nLocation: http://127.0.0.1:%d/steal\r\nContent-Length: 0\r\n\r\n", loopback_port(other));
  loopback_script(fixture->server, (loopback_reply){.bytes = reply});
  call_run(fixture, &log);
  assert_code(log.code, LJ_OK);
  assert_int_equal(log.status, 307);
  assert_int_equal(loopback_connections(other), 0);
  loopback_stop(other);
  call_log_free(&log);
}

static void connection_is_used_again(void **state) {
  http_fixture *fixture = *state;
  loopback_script(fixture->server, (loopback_reply){.bytes = HTTP_WHOLE});
  for (int i = 0; i < 5; i++) {
    call_log log;
    call_run(fixture, &log);
    assert_hello(&log);
    call_log_free(&log);
  }
  assert_int_equal(loopback_requests(fixture->server), 5);
  assert_int_equal(loopback_connections(fixture->server), 1);
}

static void idle_connection_from_before_a_sleep_is_not_used_again(void **state) {
  const struct timespec awake = {2, 100000000}; /* curl counts a connection's age in whole seconds */
  http_fixture *fixture = *state;
  loopback_script(fixture->server, (loopback_reply){.bytes = HTTP_WHOLE});
  for (int i = 0; i < 3; i++) {
    call_log log;
    call_run(fixture, &log);
    assert_hello(&log);
    call_log_free(&log);
    if (i == 0) {
      (void)nanosleep(&awake, NULL);
      lj_http_distrust(fixture->http);
    }
  }
  assert_int_equal(loopback_connections(fixture->server), 2);
}

static void while_a_call_from_before_a_sleep_runs_others_open_their_own_connections(void **state) {
  http_fixture *fixture = *state;
  call_log suspect, later[3];
  loopback_script(fixture->server, (loopback_reply){.times = 1, .bytes = HTTP_WHOLE, .gate = 1});
  loopback_script(fixture->server, (loopback_reply){.bytes = HTTP_WHOLE});
  call_start_well(fixture, &suspect, patient_timeouts);
  call_reach(fixture, &suspect, 0);
  lj_http_distrust(fixture->http);
  for (int i = 0; i < 2; i++) call_run(fixture, &later[i]);
  assert_int_equal(loopback_connections(fixture->server), 3);
  loopback_open_gate(fixture->server);
  call_drive(fixture, &suspect);
  assert_hello(&suspect);
  call_run(fixture, &later[2]);
  assert_int_equal(loopback_connections(fixture->server), 3);
  for (int i = 0; i < 3; i++) call_log_free(&later[i]);
  call_log_free(&suspect);
}

static void connection_that_the_server_closed_is_replaced(void **state) {
  http_fixture *fixture = *state;
  loopback_script(fixture->server, (loopback_reply){.bytes = HTTP_WHOLE, .then = LOOPBACK_CLOSE});
  for (int i = 0; i < 3; i++) {
    call_log log;
    call_run(fixture, &log);
    assert_hello(&log);
    call_log_free(&log);
    assert_true(loopback_wait_open(fixture->server, 0));
  }
  assert_int_equal(loopback_connections(fixture->server), 3);
}

static void many_calls_run_at_the_same_time(void **state) {
  enum { CALLS = 50 };
  http_fixture *fixture = *state;
  call_log logs[CALLS];
  size_t ends = 0;
  loopback_script(fixture->server, (loopback_reply){.bytes = HTTP_WHOLE, .gate = 10});
  for (size_t i = 0; i < CALLS; i++) call_start_well(fixture, &logs[i], patient_timeouts);
  for (int i = 0; loopback_requests(fixture->server) < CALLS; i++) {
    assert_true(i < 100000);
    assert_code(lj_http_turn(fixture->http), LJ_OK);
    assert_code(lj_http_poll(fixture->http, 1), LJ_OK);
  }
  assert_int_equal(loopback_open(fixture->server), CALLS);
  loopback_open_gate(fixture->server);
  for (size_t i = 0; i < CALLS; i++) {
    call_drive(fixture, &logs[i]);
    assert_hello(&logs[i]);
    ends += (size_t)logs[i].ends;
    call_log_free(&logs[i]);
  }
  assert_int_equal(ends, CALLS);
}

static void refused_connection_is_unreachable(void **state) {
  http_fixture *fixture = *state;
  call_log log;
  lj_fault fault;
  call_log_init(&log, loopback_refused_port());
  assert_code(call_start(fixture, &log, patient_timeouts, &fault), LJ_OK);
  call_drive(fixture, &log);
  assert_code(log.code, LJ_UNREACHABLE);
  assert_code(log.fault.code, LJ_UNREACHABLE);
  assert_memory_equal(log.fault.message, "test can't be reached", 21);
  assert_null(strstr(log.fault.message, "sk-test"));
  call_log_free(&log);
}

static void broken_answers_are_a_protocol_error(void **state) {
  static const loopback_reply broken[] = {
      {.bytes = NULL, .then = LOOPBACK_CLOSE},
      {.bytes = NULL, .then = LOOPBACK_RESET},
      {.bytes = HTTP_HEAD "Content-Length: 50\r\n\r\nHello", .then = LOOPBACK_CLOSE},
      {.bytes = HTTP_HEAD "Content-Length: 50\r\n\r\nHello", .then = LOOPBACK_RESET},
      {.bytes = HTTP_HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nHel", .then = LOOPBACK_CLOSE},
      {.bytes = HTTP_HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nHello\r\n", .then = LOOPBACK_CLOSE},
      {.bytes = HTTP_HEAD "Transfer-Encoding: chunked\r\n\r\nzz\r\nHello\r\n", .then = LOOPBACK_CLOSE},
      {.bytes = "garbage that is no HTTP at all\r\n\r\n", .then = LOOPBACK_CLOSE},
      {.bytes = "HTTP/9.9 200 OK\r\n\r\nHello", .then = LOOPBACK_CLOSE},
  };
  http_fixture *fixture = *state;
  for (size_t i = 0; i < COUNT_OF(broken); i++) {
    call_log log;
    loopback_clear(fixture->server);
    loopback_script(fixture->server, broken[i]);
    call_run(fixture, &log);
    if (log.code != LJ_PROTOCOL) fail_msg("form %zu gave %s: %s", i, lj_code_name(log.code), log.fault.message);
    call_log_free(&log);
  }
}

static void bad_address_is_told_by_start_or_end(void **state) {
  static const char *const bad[] = {"http://", "ftp://127.0.0.1/x", "file:///etc/passwd", "http://127.0.0.1:99999/"};
  http_fixture *fixture = *state;
  for (size_t i = 0; i < COUNT_OF(bad); i++) {
    call_log log;
    lj_fault fault;
    lj_fault_clear(&fault);
    call_log_init(&log, 1);
    lj_buffer_clear(&log.wire.url);
    assert_code(lj_buffer_append_text(&log.wire.url, bad[i]), LJ_OK);
    int code = call_start(fixture, &log, patient_timeouts, &fault);
    if (code == LJ_OK) {
      call_drive(fixture, &log);
      code = log.code;
    } else {
      assert_code(fault.code, code);
      assert_null(log.call);
    }
    assert_code(code, LJ_BAD_REQUEST);
    call_log_free(&log);
  }
}

static void huge_answer_arrives_whole(void **state) {
  enum { SIZE = 20 << 20 };
  http_fixture *fixture = *state;
  char *reply = malloc(SIZE + 200);
  call_log log;
  assert_non_null(reply);
  int head = snprintf(reply, 200, HTTP_HEAD "Content-Length: %d\r\n\r\n", SIZE);
  for (int i = 0; i < SIZE; i++) reply[head + i] = (char)('a' + i % 26);
  loopback_script(fixture->server, (loopback_reply){.bytes = reply, .length = (size_t)(head + SIZE)});
  call_run(fixture, &log);
  assert_code(log.code, LJ_OK);
  assert_int_equal(log.body.length, SIZE);
  assert_memory_equal(log.body.data, reply + head, SIZE);
  call_log_free(&log);
  free(reply);
}

static void large_request_is_sent_whole_and_without_waiting(void **state) {
  enum { SIZE = 1 << 20 };
  http_fixture *fixture = *state;
  char *part = malloc(SIZE + 1);
  call_log log;
  lj_fault fault;
  assert_non_null(part);
  memset(part, 'b', SIZE);
  part[SIZE] = '\0';
  loopback_script(fixture->server, (loopback_reply){.bytes = HTTP_WHOLE});
  call_log_init(&log, loopback_port(fixture->server));
  assert_code(lj_buffer_append(&log.wire.body, part, SIZE), LJ_OK);
  assert_code(call_start(fixture, &log, patient_timeouts, &fault), LJ_OK);
  call_drive(fixture, &log);
  assert_hello(&log);
  assert_int_equal(loopback_count(fixture->server, "Content-Length: 1048583\r\n"), 1);
  assert_int_equal(loopback_count(fixture->server, "100-continue"), 0);
  call_log_free(&log);
  free(part);
}

static void start_survives_every_failed_allocation(void **state) {
  http_fixture *fixture = *state;
  int code = LJ_NOMEM;
  long nth = 0;
  call_log log;
  loopback_script(fixture->server, (loopback_reply){.bytes = HTTP_WHOLE});
  call_log_init(&log, loopback_port(fixture->server));
  while (code != LJ_OK) {
    lj_fault fault;
    long live = lj_memory_live();
    assert_true(++nth < 100);
    lj_memory_fail_at(nth, 0);
    code = call_start(fixture, &log, patient_timeouts, &fault);
    lj_memory_fail_at(0, 0);
    if (code != LJ_OK) {
      assert_code(code, LJ_NOMEM);
      assert_code(fault.code, LJ_NOMEM);
      assert_null(log.call);
      assert_int_equal(lj_memory_live(), live);
    }
  }
  assert_true(nth > 2);
  call_drive(fixture, &log);
  assert_hello(&log);
  assert_int_equal(loopback_requests(fixture->server), 1);
  call_log_free(&log);
}

static void global_set_up_is_counted(void **state) {
  (void)state;
  assert_code(lj_http_global_init(), LJ_OK);
  assert_code(lj_http_global_init(), LJ_OK);
  lj_http_global_cleanup();
  lj_http *http = NULL;
  assert_code(lj_http_open(1, &http), LJ_OK);
  assert_code(lj_http_turn(http), LJ_OK);
  lj_http_close(http);
  lj_http_close(NULL);
  lj_http_global_cleanup();
}

int main(void) {
  const struct CMUnitTest tests[] = {
      http_test(answer_arrives_however_it_is_framed_and_cut),
      http_test(request_is_sent_as_the_wire_says),
      http_test(get_sends_no_body),
      http_test(call_carries_nothing_over_from_the_one_before_it),
      http_test(other_statuses_are_answers_too),
      http_test(informational_heads_come_before_the_real_one),
      http_test(redirect_is_not_followed_and_carries_no_key),
      http_test(connection_is_used_again),
      http_test(idle_connection_from_before_a_sleep_is_not_used_again),
      http_test(while_a_call_from_before_a_sleep_runs_others_open_their_own_connections),
      http_test(connection_that_the_server_closed_is_replaced),
      http_test(many_calls_run_at_the_same_time),
      http_test(refused_connection_is_unreachable),
      http_test(broken_answers_are_a_protocol_error),
      http_test(bad_address_is_told_by_start_or_end),
      http_test(huge_answer_arrives_whole),
      http_test(large_request_is_sent_whole_and_without_waiting),
      http_test(start_survives_every_failed_allocation),
      tidy_test(global_set_up_is_counted),
  };
  lj_memory_init();
  return cmocka_run_group_tests_name("http client", tests, NULL, NULL);
}
