/* SPDX-License-Identifier: MIT
 *
 * Many HTTP requests on one thread: a curl multi handle, and the timers that curl does not have. Used by the engine's
 * thread only, but for lj_http_wake.
 *
 * A call's life: lj_http_start → on_status, on_header, on_body … → on_end, once, from within lj_http_turn and never from
 * within a curl callback. After on_end, or lj_http_abort, the handle is gone. When on_body says LJ_CLOSED the answer is
 * complete: on_end follows at once, while the connection may linger for LINGER_MS so that it can be used again.
 *
 * Keys stay in the request: redirects are not followed, and no header is logged.
 */
#ifndef LJ_HTTP_CLIENT_H
#define LJ_HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "provider/provider.h"

typedef struct lj_http lj_http;
typedef struct lj_call lj_call;

/* Milliseconds; 0: no such limit. */
typedef struct lj_timeouts {
  int64_t connect_ms;    /* name, connection and TLS */
  int64_t first_byte_ms; /* from the start to the first body byte or data event */
  int64_t idle_ms;       /* between data events; comments and pings do not count */
  int64_t total_ms;
} lj_timeouts;

typedef struct lj_call_listener {
  void *owner;
  void (*on_status)(void *owner, int status);
  void (*on_header)(void *owner, const char *name, size_t name_length, const char *value, size_t value_length);
  /* LJ_OK to go on, LJ_CLOSED when the answer is complete, any other code to give up; on_end then gets that code. */
  int (*on_body)(void *owner, const char *bytes, size_t length);
  /* LJ_OK: the transfer ended in order. Otherwise `fault` says why: UNREACHABLE, TLS, TIMEOUT_*, PROTOCOL, NOMEM, or the code
   * of on_body (then without a message). */
  void (*on_end)(void *owner, int code, const lj_fault *fault);
} lj_call_listener;

typedef struct lj_call_options {
  const lj_wire *wire;    /* must stay until on_end or abort: the body is sent from it */
  lj_timeouts timeouts;
  const char *target;     /* the provider's name, for messages; must stay as long */
  const char *proxy;      /* NULL: none; the environment's proxy variables are not read */
  const char *ca_file;    /* NULL: the system's certificates */
  bool fresh;             /* on a new connection, whatever is open */
  lj_call_listener listener;
} lj_call_options;

/* `connections`: how many idle connections are kept. LJ_OK or LJ_NOMEM. */
int lj_http_open(size_t connections, lj_http **out) LJ_MUST_CHECK;
/* Aborts what runs, without on_end. */
void lj_http_close(lj_http *http);

int lj_http_start(lj_http *http, const lj_call_options *options, lj_call **out, lj_fault *fault) LJ_MUST_CHECK;
void lj_http_abort(lj_http *http, lj_call *call);
/* Header and body bytes received for this call. */
uint64_t lj_http_call_bytes(const lj_call *call);
/* A data event has arrived: the idle timer starts anew. */
void lj_http_touch(lj_call *call);

/* After sleep, open connections are often dead without anybody saying so: no further call is made on one that is open now. */
void lj_http_distrust(lj_http *http);

/* Moves every transfer as far as it goes, looks at the timers, and tells the listeners of what ended. LJ_OK, LJ_NOMEM or
 * LJ_IO when curl itself fails. */
int lj_http_turn(lj_http *http) LJ_MUST_CHECK;
/* Monotonic milliseconds of the next timer, INT64_MAX when there is none. */
int64_t lj_http_deadline(const lj_http *http);
/* Sleeps until something happens on a socket, `timeout_ms` have passed, or lj_http_wake is called. */
int lj_http_poll(lj_http *http, int timeout_ms) LJ_MUST_CHECK;
/* From any thread, between open and close. */
void lj_http_wake(lj_http *http);

/* How many calls are in the middle of their answer. */
size_t lj_http_flowing(const lj_http *http);

/* Body bytes received since the start. */
uint64_t lj_http_bytes(const lj_http *http);

/* Once per process, before the first lj_http_open; counted, so that each engine can call both. */
int lj_http_global_init(void) LJ_MUST_CHECK;
void lj_http_global_cleanup(void);

#endif
