/* SPDX-License-Identifier: MIT
 *
 * The HTTP client and a loopback server, and calls whose listeners write down what they are told.
 */
#ifndef LJ_TEST_SUPPORT_HTTP_FIXTURE_H
#define LJ_TEST_SUPPORT_HTTP_FIXTURE_H

#include "http/client.h"
#include "support/loopback_server.h"
#include "support/test.h"

typedef struct http_fixture {
  lj_http *http;
  loopback_server *server;
  long live;
} http_fixture;

/* Fails the test when a block of the engine's memory is left. */
int http_setup(void **state);
int http_teardown(void **state);
#define http_test(function) cmocka_unit_test_setup_teardown(function, http_setup, http_teardown)

/* One call and all that its listener was told. */
typedef struct call_log {
  lj_wire wire;
  lj_call *call;       /* NULL before the start and after the end */
  lj_buffer text;      /* the headers, each as "[name=value]" */
  lj_buffer body;
  int status;
  int statuses;
  int ends;
  int code;
  lj_fault fault;
  int answer;          /* what on_body returns … */
  size_t answer_after; /* … from this many bytes on */
} call_log;

/* A POST of {"a":1} to /v1/chat at this port; whoever calls frees it. */
void call_log_init(call_log *log, int port);
void call_log_free(call_log *log);

/* The listener's functions; their owner is a call_log. */
void call_on_status(void *owner, int status);
void call_on_header(void *owner, const char *name, size_t name_length, const char *value, size_t value_length);
int call_on_body(void *owner, const char *bytes, size_t length);
void call_on_end(void *owner, int code, const lj_fault *fault);

extern const lj_timeouts patient_timeouts; /* longer than any test */

/* Starts what the log's wire says; returns lj_http_start's code. */
int call_start(http_fixture *fixture, call_log *log, lj_timeouts timeouts, lj_fault *fault);
/* Initializes the log and starts; must go well. */
void call_start_well(http_fixture *fixture, call_log *log, lj_timeouts timeouts);
/* Turns until the call has ended. */
void call_drive(http_fixture *fixture, const call_log *log);
/* Turns until the server has the request and what it sends up to its gate has been told. */
void call_reach(http_fixture *fixture, const call_log *log, size_t body_bytes);
/* call_start_well and call_drive. */
void call_run(http_fixture *fixture, call_log *log);

#define HTTP_HEAD "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Request-Id:  r-1 \r\n"
#define HTTP_WHOLE HTTP_HEAD "Content-Length: 5\r\n\r\nHello"
#define HTTP_CHUNKED HTTP_HEAD "Transfer-Encoding: chunked\r\n\r\n3\r\nHel\r\n2;x=y\r\nlo\r\n0\r\n\r\n"
/* The call was answered by one of them. */
void assert_hello(const call_log *log);

#endif
