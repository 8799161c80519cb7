/* SPDX-License-Identifier: MIT
 *
 * The sockets that curl's transfers wait for, and the time at which curl wants to be called. curl_multi_perform would go through
 * all transfers at every turn and ask the system about each one's socket; here one call asks about all of them, and only those that
 * have something are run.
 *
 * Used by client.c only; everything but lj_sockets_wake on the engine's thread.
 */
#ifndef LJ_HTTP_SOCKETS_H
#define LJ_HTTP_SOCKETS_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/result.h"

typedef struct lj_sockets {
  CURLM *multi;   /* has the transfers */
  CURLM *sleeper; /* has none: curl_multi_poll with it is a poll for sockets of ours, on every system, that lj_sockets_wake ends */
  CURLM *asker;   /* likewise, for looks without a sleep: on Windows a look takes a wake-up of its handle away, which the sleep must see */
  struct curl_waitfd *items;
  size_t count;
  size_t capacity;
  int64_t run_at_ms; /* monotonic: curl wants to be called then; INT64_MAX: when a socket has something */
  bool asked;        /* the items' revents are those of lj_sockets_wait */
} lj_sockets;

/* LJ_OK or LJ_NOMEM. */
int lj_sockets_open(lj_sockets *sockets) LJ_MUST_CHECK;
/* Closes the multi handle too; no transfer may be in it. */
void lj_sockets_close(lj_sockets *sockets);
/* Makes room for what so many transfers may wait for. LJ_OK or LJ_NOMEM. */
int lj_sockets_reserve(lj_sockets *sockets, size_t transfers) LJ_MUST_CHECK;
/* Runs the transfers whose socket has something or whose time has come. LJ_OK, LJ_NOMEM, LJ_IO. */
int lj_sockets_run(lj_sockets *sockets) LJ_MUST_CHECK;
/* Sleeps until there is something to run, `timeout_ms` have passed, or lj_sockets_wake is called, also before. */
int lj_sockets_wait(lj_sockets *sockets, int timeout_ms) LJ_MUST_CHECK;
/* From any thread. */
void lj_sockets_wake(lj_sockets *sockets);

#endif
