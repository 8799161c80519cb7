/* SPDX-License-Identifier: MIT
 *
 * The HTTP client against a real socket: what the listener is told, which trouble gets which code, and that connections are
 * used again. Where a test waits for a timeout it asks for the code, never for the time it took.
 */
#include "base/clock.h"
#include "base/thread.h"
#include "http/client.h"
#include "support/loopback_server.h"
#include "support/test.h"

typedef struct http_fixture {
  lj_http *http;
  loopback_server *server;
  long live;
} http_fixture;

/* One call and all that its listener was told. */
typedef struct call_log {
  lj_wire wire;
  lj_call *call;
  lj_buffer text;      /* "status 200", "name: value" and "body" parts, each in brackets, bodies joined */
  lj_buffer body;
  int status;
  int statuses;
  int ends;
  int code;
  lj_fault fault;
  int answer;          /* what on_body returns … */
  size_t answer_after; /* … from this many bytes on */
} call_log;

static int http_setup(void **state) {
  http_fixture *fixture = calloc(1, sizeof *fixture);
  assert_non_null(fixture);
  fixture->live = lj_memory_live();
  fixture->server = loopback_start();
  assert_non_null(fixture->server);
  assert_code(lj_http_global_init(), LJ_OK);
  assert_code(lj_http_open(8, &fixture->http), LJ_OK);
  *state = fixture;
  return 0;
}

static int http_teardown(void **state) {
  http_fixture *fixture = *state;
  lj_memory_fail_at(0, 0);
  lj_clock_real();
  lj_http_close(fixture->http);
  lj_http_global_cleanup();
  loopback_stop(fixture->server);
  bool tidy = lj_memory_live() == fixture->live;
  free(fixture);
  return tidy ? 0 : -1;
}

static void on_status(void *owner, int status) {
  call_log *log = owner;
  log->status = status;
  log->statuses++;
}

static void on_header(void *owner, const char *name, size_t name_length, const char *value, size_t value_length) {
  call_log *log = owner;
  assert_code(lj_buffer_printf(&log->text, "[%.*s=%.*s]", (int)name_length, name, (int)value_length, value), LJ_OK);
}

static int on_body(void *owner, const char *bytes, size_t length) {
  call_log *log = owner;
  if (log->call != NULL) lj_http_touch(log->call);
  assert_code(lj_buffer_append(&log->body, bytes, length), LJ_OK);
  return log->body.length >= log->answer_after ? log->answer : LJ_OK;
}

static void on_end(void *owner, int code, const lj_fault *fault) {
  call_log *log = owner;
  log->ends++;
  log->code = code;
  log->fault = *fault;
  log->call = NULL;
}

static void log_init(call_log *log, int port) {
  memset(log, 0, sizeof *log);
  lj_wire_init(&log->wire);
  lj_buffer_init(&log->text, 1 << 20);
  lj_buffer_init(&log->body, 64 << 20);
  log->wire.method = "POST";
  assert_code(lj_buffer_printf(&log->wire.url, "http://127.0.0.1:%d/v1/chat", port), LJ_OK);
  assert_code(lj_wire_header(&log->wire, "Content-Type", "application/json"), LJ_OK);
  assert_code(lj_wire_header(&log->wire, "Authorization", "Bearer sk-test"), LJ_OK);
  assert_code(lj_buffer_append_text(&log->wire.body, "{\"a\":1}"), LJ_OK);
}

static void log_free(call_log *log) {
  lj_wire_free(&log->wire);
  lj_buffer_free(&log->text);
  lj_buffer_free(&log->body);
}

static const lj_timeouts patient = {.connect_ms = 10000, .first_byte_ms = 20000, .idle_ms = 20000, .total_ms = 30000};

static int start(http_fixture *fixture, call_log *log, lj_timeouts timeouts, lj_fault *fault) {
  lj_call_options options = {
      .wire = &log->wire,
      .timeouts = timeouts,
      .target = "test",
      .listener = {.owner = log, .on_status = on_status, .on_header = on_header, .on_body = on_body, .on_end = on_end}};
  return lj_http_start(fixture->http, &options, &log->call, fault);
}

static void start_well(http_fixture *fixture, call_log *log, lj_timeouts timeouts) {
  lj_fault fault;
  log_init(log, loopback_port(fixture->server));
  assert_code(start(fixture, log, timeouts, &fault), LJ_OK);
  assert_non_null(log->call);
}

/* Turns until the call has ended. */
static void drive(http_fixture *fixture, const call_log *log) {
  for (int i = 0; log->ends == 0; i++) {
    assert_true(i < 1000000);
    assert_code(lj_http_turn(fixture->http), LJ_OK);
    if (log->ends == 0) assert_code(lj_http_poll(fixture->http, 5), LJ_OK);
  }
  assert_int_equal(log->ends, 1);
  assert_null(log->call);
}

static void run(http_fixture *fixture, call_log *log) {
  start_well(fixture, log, patient);
  drive(fixture, log);
}

#define HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Request-Id:  r-1 \r\n"
#define WHOLE HEAD "Content-Length: 5\r\n\r\nHello"
#define CHUNKED HEAD "Transfer-Encoding: chunked\r\n\r\n3\r\nHel\r\n2;x=y\r\nlo\r\n0\r\n\r\n"
#define UNTIL_CLOSE HEAD "\r\nHello"

static void assert_hello(const call_log *log) {
  assert_code(log->code, LJ_OK);
  assert_int_equal(log->status, 200);
  assert_string_equal(log->body.data, "Hello");
  assert_non_null(strstr(log->text.data, "[Content-Type=text/plain]"));
  assert_non_null(strstr(log->text.data, "[X-Request-Id=r-1]"));
}

static void answer_arrives_however_it_is_framed_and_cut(void **state) {
  static const struct {
    const char *bytes;
    loopback_then then;
  } forms[] = {{WHOLE, LOOPBACK_KEEP}, {CHUNKED, LOOPBACK_KEEP}, {UNTIL_CLOSE, LOOPBACK_CLOSE}, {WHOLE, LOOPBACK_CLOSE}};
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
      run(fixture, &log);
      assert_hello(&log);
      log_free(&log);
    }
  assert_int_equal(lj_http_bytes(fixture->http), 5 * COUNT_OF(forms) * COUNT_OF(cuts));
}

static void request_is_sent_as_the_wire_says(void **state) {
  http_fixture *fixture = *state;
  call_log log;
  loopback_script(fixture->server, (loopback_reply){.bytes = WHOLE});
  run(fixture, &log);
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
  log_free(&log);
}

static void get_sends_no_body(void **state) {
  http_fixture *fixture = *state;
  call_log log;
  lj_fault fault;
  loopback_script(fixture->server, (loopback_reply){.bytes = WHOLE});
  log_init(&log, loopback_port(fixture->server));
  log.wire.method = "GET";
  assert_code(start(fixture, &log, patient, &fault), LJ_OK);
  drive(fixture, &log);
  assert_int_equal(loopback_count(fixture->server, "GET /v1/chat HTTP/1.1\r\n"), 1);
  assert_int_equal(loopback_count(fixture->server, "{\"a\":1}"), 0);
  log_free(&log);
}

static void other_statuses_are_answers_too(void **state) {
  http_fixture *fixture = *state;
  call_log log;
  loopback_script(fixture->server, (loopback_reply){.bytes = "HTTP/1.1 429 Slow Down\r\nRetry-After: 7\r\nContent-Length: 2\r\n\r\n{}"});
  run(fixture, &log);
  assert_code(log.code, LJ_OK);
  assert_int_equal(log.status, 429);
  assert_non_null(strstr(log.text.data, "[Retry-After=7]"));
  assert_string_equal(log.body.data, "{}");
  log_free(&log);
}

static void informational_heads_come_before_the_real_one(void **state) {
  http_fixture *fixture = *state;
  call_log log;
  loopback_script(fixture->server, (loopback_reply){.bytes = "HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" WHOLE});
  run(fixture, &log);
  assert_hello(&log);
  assert_int_equal(log.statuses, 2);
  log_free(&log);
}

static void redirect_is_not_followed_and_carries_no_key(void **state) {
  http_fixture *fixture = *state;
  loopback_server *other = loopback_start();
  char reply[256];
  call_log log;
  assert_non_null(other);
  (void)snprintf(reply, sizeof reply, "HTTP/1.1 307 Elsewhere\r\nLocation: http://127.0.0.1:%d/steal\r\nContent-Length: 0\r\n\r\n", loopback_port(other));
  loopback_script(fixture->server, (loopback_reply){.bytes = reply});
  run(fixture, &log);
  assert_code(log.code, LJ_OK);
  assert_int_equal(log.status, 307);
  assert_int_equal(loopback_connections(other), 0);
  loopback_stop(other);
  log_free(&log);
}

/* --- Connections --- */

static void connection_is_used_again(void **state) {
  http_fixture *fixture = *state;
  loopback_script(fixture->server, (loopback_reply){.bytes = WHOLE});
  for (int i = 0; i < 5; i++) {
    call_log log;
    run(fixture, &log);
    assert_hello(&log);
    log_free(&log);
  }
  assert_int_equal(loopback_requests(fixture->server), 5);
  assert_int_equal(loopback_connections(fixture->server), 1);
}

static void connection_that_the_server_closed_is_replaced(void **state) {
  http_fixture *fixture = *state;
  loopback_script(fixture->server, (loopback_reply){.bytes = WHOLE, .then = LOOPBACK_CLOSE});
  for (int i = 0; i < 3; i++) {
    call_log log;
    run(fixture, &log);
    assert_hello(&log);
    log_free(&log);
    assert_true(loopback_wait_open(fixture->server, 0));
  }
  assert_int_equal(loopback_connections(fixture->server), 3);
}

static void many_calls_run_at_the_same_time(void **state) {
  enum { CALLS = 50 };
  http_fixture *fixture = *state;
  call_log logs[CALLS];
  size_t ends = 0;
  loopback_script(fixture->server, (loopback_reply){.bytes = WHOLE, .gate = 10});
  for (size_t i = 0; i < CALLS; i++) start_well(fixture, &logs[i], patient);
  for (int i = 0; loopback_requests(fixture->server) < CALLS; i++) {
    assert_true(i < 100000);
    assert_code(lj_http_turn(fixture->http), LJ_OK);
    assert_code(lj_http_poll(fixture->http, 1), LJ_OK);
  }
  assert_int_equal(loopback_open(fixture->server), CALLS);
  loopback_open_gate(fixture->server);
  for (size_t i = 0; i < CALLS; i++) {
    drive(fixture, &logs[i]);
    assert_hello(&logs[i]);
    ends += (size_t)logs[i].ends;
    log_free(&logs[i]);
  }
  assert_int_equal(ends, CALLS);
}

/* --- LJ_CLOSED: the answer is complete before the transfer --- */

static void complete_answer_ends_at_once_though_the_server_never_ends_it(void **state) {
  http_fixture *fixture = *state;
  call_log log;
  loopback_script(fixture->server, (loopback_reply){.bytes = HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nHello\r\n", .then = LOOPBACK_SILENT});
  start_well(fixture, &log, patient);
  log.answer = LJ_CLOSED;
  log.answer_after = 5;
  drive(fixture, &log);
  assert_hello(&log);
  /* The connection is let go when its end does not follow. */
  for (int i = 0; loopback_open(fixture->server) > 0; i++) {
    assert_true(i < 5000);
    assert_code(lj_http_turn(fixture->http), LJ_OK);
    assert_code(lj_http_poll(fixture->http, 5), LJ_OK);
  }
  assert_true(lj_http_deadline(fixture->http) == INT64_MAX);
  log_free(&log);
}

static void connection_of_a_complete_answer_is_used_again_when_its_end_follows(void **state) {
  http_fixture *fixture = *state;
  lj_clock_virtual(1700000000000, 1000000000); /* stands still: the wait for the end does not run out */
  loopback_script(fixture->server, (loopback_reply){.bytes = CHUNKED, .gate = strlen(CHUNKED) - 5});
  for (int i = 0; i < 3; i++) {
    call_log log;
    loopback_close_gate(fixture->server);
    start_well(fixture, &log, patient);
    log.answer = LJ_CLOSED;
    log.answer_after = 5;
    drive(fixture, &log); /* the end of the body is still behind the gate */
    assert_hello(&log);
    for (int turn = 0; turn < 3; turn++) assert_code(lj_http_turn(fixture->http), LJ_OK); /* it is still waited for */
    loopback_open_gate(fixture->server);
    for (int turn = 0; lj_http_deadline(fixture->http) != INT64_MAX && turn < 20; turn++) {
      assert_code(lj_http_turn(fixture->http), LJ_OK);
      assert_code(lj_http_poll(fixture->http, 20), LJ_OK);
    }
    log_free(&log);
  }
  assert_int_equal(loopback_requests(fixture->server), 3);
  assert_int_equal(loopback_connections(fixture->server), 1);
}

static void what_follows_a_complete_answer_is_not_told(void **state) {
  static const char reply[] = HEAD "Content-Length: 10\r\n\r\nHelloWorld";
  http_fixture *fixture = *state;
  call_log log;
  loopback_script(fixture->server, (loopback_reply){.bytes = reply, .gate = strlen(reply) - 5});
  start_well(fixture, &log, patient);
  log.answer = LJ_CLOSED;
  log.answer_after = 5;
  drive(fixture, &log);
  loopback_open_gate(fixture->server);
  for (int i = 0; lj_http_bytes(fixture->http) < 10; i++) {
    assert_true(i < 20000);
    assert_code(lj_http_turn(fixture->http), LJ_OK);
    assert_code(lj_http_poll(fixture->http, 1), LJ_OK);
  }
  assert_hello(&log);
  assert_int_equal(log.ends, 1);
  log_free(&log);
}

static void code_of_on_body_is_what_on_end_gets(void **state) {
  static const int codes[] = {LJ_RATE_LIMITED, LJ_NOMEM, LJ_RESPONSE_TOO_LARGE, LJ_TOO_BIG};
  http_fixture *fixture = *state;
  loopback_script(fixture->server, (loopback_reply){.bytes = WHOLE});
  for (size_t i = 0; i < COUNT_OF(codes); i++) {
    call_log log;
    start_well(fixture, &log, patient);
    log.answer = codes[i];
    drive(fixture, &log);
    assert_code(log.code, codes[i]);
    assert_code(log.fault.code, codes[i]);
    assert_string_equal(log.fault.message, "");
    log_free(&log);
  }
}

/* --- Trouble --- */

static void refused_connection_is_unreachable(void **state) {
  http_fixture *fixture = *state;
  call_log log;
  lj_fault fault;
  log_init(&log, loopback_refused_port());
  assert_code(start(fixture, &log, patient, &fault), LJ_OK);
  drive(fixture, &log);
  assert_code(log.code, LJ_UNREACHABLE);
  assert_code(log.fault.code, LJ_UNREACHABLE);
  assert_memory_equal(log.fault.message, "test can't be reached", 21);
  assert_null(strstr(log.fault.message, "sk-test"));
  log_free(&log);
}

static void broken_answers_are_a_protocol_error(void **state) {
  static const loopback_reply broken[] = {
      {.bytes = NULL, .then = LOOPBACK_CLOSE},
      {.bytes = NULL, .then = LOOPBACK_RESET},
      {.bytes = HEAD "Content-Length: 50\r\n\r\nHello", .then = LOOPBACK_CLOSE},
      {.bytes = HEAD "Content-Length: 50\r\n\r\nHello", .then = LOOPBACK_RESET},
      {.bytes = HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nHel", .then = LOOPBACK_CLOSE},
      {.bytes = HEAD "Transfer-Encoding: chunked\r\n\r\n5\r\nHello\r\n", .then = LOOPBACK_CLOSE},
      {.bytes = HEAD "Transfer-Encoding: chunked\r\n\r\nzz\r\nHello\r\n", .then = LOOPBACK_CLOSE},
      {.bytes = "garbage that is no HTTP at all\r\n\r\n", .then = LOOPBACK_CLOSE},
      {.bytes = "HTTP/9.9 200 OK\r\n\r\nHello", .then = LOOPBACK_CLOSE},
  };
  http_fixture *fixture = *state;
  for (size_t i = 0; i < COUNT_OF(broken); i++) {
    call_log log;
    loopback_clear(fixture->server);
    loopback_script(fixture->server, broken[i]);
    run(fixture, &log);
    if (log.code != LJ_PROTOCOL) fail_msg("form %zu gave %s: %s", i, lj_code_name(log.code), log.fault.message);
    log_free(&log);
  }
}

static void bad_address_is_told_by_start_or_end(void **state) {
  static const char *const bad[] = {"http://", "ftp://127.0.0.1/x", "file:///etc/passwd", "http://127.0.0.1:99999/"};
  http_fixture *fixture = *state;
  for (size_t i = 0; i < COUNT_OF(bad); i++) {
    call_log log;
    lj_fault fault;
    lj_fault_clear(&fault);
    log_init(&log, 1);
    lj_buffer_clear(&log.wire.url);
    assert_code(lj_buffer_append_text(&log.wire.url, bad[i]), LJ_OK);
    int code = start(fixture, &log, patient, &fault);
    if (code == LJ_OK) {
      drive(fixture, &log);
      code = log.code;
    } else {
      assert_code(fault.code, code);
      assert_null(log.call);
    }
    assert_code(code, LJ_BAD_REQUEST);
    log_free(&log);
  }
}

static void huge_answer_arrives_whole(void **state) {
  enum { SIZE = 20 << 20 };
  http_fixture *fixture = *state;
  char *reply = malloc(SIZE + 200);
  call_log log;
  assert_non_null(reply);
  int head = snprintf(reply, 200, HEAD "Content-Length: %d\r\n\r\n", SIZE);
  for (int i = 0; i < SIZE; i++) reply[head + i] = (char)('a' + i % 26);
  loopback_script(fixture->server, (loopback_reply){.bytes = reply, .length = (size_t)(head + SIZE)});
  run(fixture, &log);
  assert_code(log.code, LJ_OK);
  assert_int_equal(log.body.length, SIZE);
  assert_memory_equal(log.body.data, reply + head, SIZE);
  log_free(&log);
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
  loopback_script(fixture->server, (loopback_reply){.bytes = WHOLE});
  log_init(&log, loopback_port(fixture->server));
  assert_code(lj_buffer_append(&log.wire.body, part, SIZE), LJ_OK);
  assert_code(start(fixture, &log, patient, &fault), LJ_OK);
  drive(fixture, &log);
  assert_hello(&log);
  assert_int_equal(loopback_count(fixture->server, "Content-Length: 1048583\r\n"), 1);
  assert_int_equal(loopback_count(fixture->server, "100-continue"), 0);
  log_free(&log);
  free(part);
}

/* --- Timeouts: with a virtual clock, so that they come when the test says so --- */

/* Turns until the server has the request and what it sends up to its gate has been told. */
static void reach(http_fixture *fixture, const call_log *log, size_t body_bytes) {
  for (int i = 0; loopback_requests(fixture->server) == 0 || log->body.length < body_bytes; i++) {
    assert_true(i < 20000);
    assert_code(lj_http_turn(fixture->http), LJ_OK);
    assert_code(lj_http_poll(fixture->http, 1), LJ_OK);
  }
}

static void first_byte_timeout(void **state) {
  http_fixture *fixture = *state;
  call_log log;
  lj_clock_virtual(1700000000000, 1000000000);
  loopback_script(fixture->server, (loopback_reply){.bytes = NULL, .then = LOOPBACK_SILENT});
  start_well(fixture, &log, (lj_timeouts){.connect_ms = 10000, .first_byte_ms = 5000, .idle_ms = 1000, .total_ms = 9000});
  reach(fixture, &log, 0);
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
  log_free(&log);
}

static void idle_timeout_begins_anew_with_each_touch(void **state) {
  http_fixture *fixture = *state;
  call_log log;
  lj_clock_virtual(1700000000000, 1000000000);
  loopback_script(fixture->server, (loopback_reply){.bytes = HEAD "Content-Length: 50\r\n\r\nHello", .then = LOOPBACK_SILENT});
  start_well(fixture, &log, (lj_timeouts){.connect_ms = 10000, .first_byte_ms = 500, .idle_ms = 1000, .total_ms = 9000});
  reach(fixture, &log, 5);
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
  log_free(&log);
}

static void total_timeout_comes_however_lively_the_answer_is(void **state) {
  http_fixture *fixture = *state;
  call_log log;
  lj_clock_virtual(1700000000000, 1000000000);
  loopback_script(fixture->server, (loopback_reply){.bytes = HEAD "Content-Length: 50\r\n\r\nHello", .then = LOOPBACK_SILENT});
  start_well(fixture, &log, (lj_timeouts){.idle_ms = 1000, .total_ms = 3000});
  reach(fixture, &log, 5);
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
  log_free(&log);
}

static void no_limit_is_no_timer(void **state) {
  http_fixture *fixture = *state;
  call_log log;
  lj_clock_virtual(1700000000000, 1000000000);
  loopback_script(fixture->server, (loopback_reply){.bytes = HEAD "Content-Length: 50\r\n\r\nHello", .then = LOOPBACK_SILENT});
  start_well(fixture, &log, (lj_timeouts){0});
  assert_true(lj_http_deadline(fixture->http) == INT64_MAX);
  reach(fixture, &log, 5);
  lj_clock_advance(1000000000, 1000000000000);
  assert_code(lj_http_turn(fixture->http), LJ_OK);
  assert_int_equal(log.ends, 0);
  lj_http_abort(fixture->http, log.call);
  log_free(&log);
}

static void real_clock_ends_a_silent_call_too(void **state) {
  http_fixture *fixture = *state;
  call_log log;
  loopback_script(fixture->server, (loopback_reply){.bytes = NULL, .then = LOOPBACK_SILENT});
  start_well(fixture, &log, (lj_timeouts){.connect_ms = 10000, .first_byte_ms = 30, .total_ms = 20000});
  drive(fixture, &log);
  assert_code(log.code, LJ_TIMEOUT_FIRST_BYTE);
  log_free(&log);
}

/* --- Abort, close, wake --- */

static void aborted_call_is_never_told_of_again(void **state) {
  http_fixture *fixture = *state;
  call_log log;
  loopback_script(fixture->server, (loopback_reply){.bytes = HEAD "Content-Length: 50\r\n\r\nHello", .then = LOOPBACK_SILENT});
  start_well(fixture, &log, patient);
  reach(fixture, &log, 5);
  lj_http_abort(fixture->http, log.call);
  assert_true(loopback_wait_open(fixture->server, 0));
  for (int i = 0; i < 5; i++) assert_code(lj_http_turn(fixture->http), LJ_OK);
  assert_int_equal(log.ends, 0);
  log_free(&log);
}

static void closing_aborts_what_runs(void **state) {
  http_fixture *fixture = *state;
  call_log logs[3];
  loopback_script(fixture->server, (loopback_reply){.bytes = NULL, .then = LOOPBACK_SILENT});
  for (int i = 0; i < 3; i++) start_well(fixture, &logs[i], patient);
  reach(fixture, &logs[0], 0);
  lj_http_close(fixture->http);
  fixture->http = NULL;
  assert_true(loopback_wait_open(fixture->server, 0));
  for (int i = 0; i < 3; i++) {
    assert_int_equal(logs[i].ends, 0);
    log_free(&logs[i]);
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
  on_end(&all->first, code, fault);
  if (all->second.call != NULL) lj_http_abort(all->fixture->http, all->second.call);
  all->second.call = NULL;
  start_well(all->fixture, &all->third, patient);
}
static void chain_status(void *owner, int status) { on_status(&((chain *)owner)->first, status); }
static void chain_header(void *owner, const char *name, size_t name_length, const char *value, size_t value_length) {
  on_header(&((chain *)owner)->first, name, name_length, value, value_length);
}
static int chain_body(void *owner, const char *bytes, size_t length) { return on_body(&((chain *)owner)->first, bytes, length); }

static void listener_may_start_and_abort_calls(void **state) {
  http_fixture *fixture = *state;
  chain all = {.fixture = fixture};
  lj_fault fault;
  loopback_script(fixture->server, (loopback_reply){.bytes = WHOLE});
  log_init(&all.first, loopback_port(fixture->server));
  lj_call_options options = {
      .wire = &all.first.wire,
      .timeouts = patient,
      .target = "test",
      .listener = {.owner = &all, .on_status = chain_status, .on_header = chain_header, .on_body = chain_body, .on_end = on_first_end}};
  assert_code(lj_http_start(fixture->http, &options, &all.first.call, &fault), LJ_OK);
  start_well(fixture, &all.second, patient);
  /* Both ends may be due in the same turn. */
  for (int i = 0; loopback_requests(fixture->server) < 2; i++) {
    assert_true(i < 20000);
    assert_code(lj_http_turn(fixture->http), LJ_OK);
    if (all.first.ends > 0) break;
    assert_code(lj_http_poll(fixture->http, 1), LJ_OK);
  }
  drive(fixture, &all.first);
  drive(fixture, &all.third);
  assert_hello(&all.third);
  assert_in_range(all.second.ends, 0, 1);
  log_free(&all.first);
  log_free(&all.second);
  log_free(&all.third);
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

/* --- Failing memory --- */

static void start_survives_every_failed_allocation(void **state) {
  http_fixture *fixture = *state;
  int code = LJ_NOMEM;
  long nth = 0;
  call_log log;
  loopback_script(fixture->server, (loopback_reply){.bytes = WHOLE});
  log_init(&log, loopback_port(fixture->server));
  while (code != LJ_OK) {
    lj_fault fault;
    long live = lj_memory_live();
    assert_true(++nth < 100);
    lj_memory_fail_at(nth, 0);
    code = start(fixture, &log, patient, &fault);
    lj_memory_fail_at(0, 0);
    if (code != LJ_OK) {
      assert_code(code, LJ_NOMEM);
      assert_code(fault.code, LJ_NOMEM);
      assert_null(log.call);
      assert_int_equal(lj_memory_live(), live);
    }
  }
  assert_true(nth > 2);
  drive(fixture, &log);
  assert_hello(&log);
  assert_int_equal(loopback_requests(fixture->server), 1);
  log_free(&log);
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

#define http_test(function) cmocka_unit_test_setup_teardown(function, http_setup, http_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      http_test(answer_arrives_however_it_is_framed_and_cut),
      http_test(request_is_sent_as_the_wire_says),
      http_test(get_sends_no_body),
      http_test(other_statuses_are_answers_too),
      http_test(informational_heads_come_before_the_real_one),
      http_test(redirect_is_not_followed_and_carries_no_key),
      http_test(connection_is_used_again),
      http_test(connection_that_the_server_closed_is_replaced),
      http_test(many_calls_run_at_the_same_time),
      http_test(complete_answer_ends_at_once_though_the_server_never_ends_it),
      http_test(connection_of_a_complete_answer_is_used_again_when_its_end_follows),
      http_test(what_follows_a_complete_answer_is_not_told),
      http_test(code_of_on_body_is_what_on_end_gets),
      http_test(refused_connection_is_unreachable),
      http_test(broken_answers_are_a_protocol_error),
      http_test(bad_address_is_told_by_start_or_end),
      http_test(huge_answer_arrives_whole),
      http_test(large_request_is_sent_whole_and_without_waiting),
      http_test(first_byte_timeout),
      http_test(idle_timeout_begins_anew_with_each_touch),
      http_test(total_timeout_comes_however_lively_the_answer_is),
      http_test(no_limit_is_no_timer),
      http_test(real_clock_ends_a_silent_call_too),
      http_test(aborted_call_is_never_told_of_again),
      http_test(closing_aborts_what_runs),
      http_test(listener_may_start_and_abort_calls),
      http_test(wake_ends_a_long_poll),
      http_test(start_survives_every_failed_allocation),
      tidy_test(global_set_up_is_counted),
  };
  lj_memory_init();
  return cmocka_run_group_tests_name("http client", tests, NULL, NULL);
}
