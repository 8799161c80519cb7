/* SPDX-License-Identifier: MIT */
#include "support/http_fixture.h"

#include "base/clock.h"

int http_setup(void **state) {
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

int http_teardown(void **state) {
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

void call_on_status(void *owner, int status) {
  call_log *log = owner;
  log->status = status;
  log->statuses++;
}

void call_on_header(void *owner, const char *name, size_t name_length, const char *value, size_t value_length) {
  call_log *log = owner;
  assert_code(lj_buffer_printf(&log->text, "[%.*s=%.*s]", (int)name_length, name, (int)value_length, value), LJ_OK);
}

int call_on_body(void *owner, const char *bytes, size_t length) {
  call_log *log = owner;
  if (log->call != NULL) lj_http_touch(log->call);
  assert_code(lj_buffer_append(&log->body, bytes, length), LJ_OK);
  return log->body.length >= log->answer_after ? log->answer : LJ_OK;
}

void call_on_end(void *owner, int code, const lj_fault *fault) {
  call_log *log = owner;
  log->ends++;
  log->code = code;
  log->fault = *fault;
  log->call = NULL;
}

void call_log_init(call_log *log, int port) {
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

void call_log_free(call_log *log) {
  lj_wire_free(&log->wire);
  lj_buffer_free(&log->text);
  lj_buffer_free(&log->body);
}

const lj_timeouts patient_timeouts = {.connect_ms = 10000, .first_byte_ms = 20000, .idle_ms = 20000, .total_ms = 30000};

int call_start(http_fixture *fixture, call_log *log, lj_timeouts timeouts, lj_fault *fault) {
  lj_call_options options = {
      .wire = &log->wire,
      .timeouts = timeouts,
      .target = "test",
      .listener = {.owner = log, .on_status = call_on_status, .on_header = call_on_header, .on_body = call_on_body, .on_end = call_on_end}};
  return lj_http_start(fixture->http, &options, &log->call, fault);
}

void call_start_well(http_fixture *fixture, call_log *log, lj_timeouts timeouts) {
  lj_fault fault;
  call_log_init(log, loopback_port(fixture->server));
  assert_code(call_start(fixture, log, timeouts, &fault), LJ_OK);
  assert_non_null(log->call);
}

void call_drive(http_fixture *fixture, const call_log *log) {
  for (int i = 0; log->ends == 0; i++) {
    assert_true(i < 1000000);
    assert_code(lj_http_turn(fixture->http), LJ_OK);
    if (log->ends == 0) assert_code(lj_http_poll(fixture->http, 5), LJ_OK);
  }
  assert_int_equal(log->ends, 1);
  assert_null(log->call);
}

void call_run(http_fixture *fixture, call_log *log) {
  call_start_well(fixture, log, patient_timeouts);
  call_drive(fixture, log);
}

void call_reach(http_fixture *fixture, const call_log *log, size_t body_bytes) {
  for (int i = 0; loopback_requests(fixture->server) == 0 || log->body.length < body_bytes; i++) {
    assert_true(i < 20000);
    assert_code(lj_http_turn(fixture->http), LJ_OK);
    assert_code(lj_http_poll(fixture->http, 1), LJ_OK);
  }
}

void assert_hello(const call_log *log) {
  assert_code(log->code, LJ_OK);
  assert_int_equal(log->status, 200);
  assert_string_equal(log->body.data, "Hello");
  assert_non_null(strstr(log->text.data, "[Content-Type=text/plain]"));
  assert_non_null(strstr(log->text.data, "[X-Request-Id=r-1]"));
}
