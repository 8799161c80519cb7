/* SPDX-License-Identifier: MIT */
#include "http/sockets.h"

#include <string.h>

#include "base/clock.h"
#include "base/memory.h"

enum {
  PER_TRANSFER = 5, /* a transfer of curl waits for no more sockets at a time */
  FIRST_CAPACITY = 8 * PER_TRANSFER
};

static int code_of(CURLMcode result) {
  if (result == CURLM_OK) return LJ_OK;
  return result == CURLM_OUT_OF_MEMORY ? LJ_NOMEM : LJ_IO;
}

/* curl tells of each socket what it waits for from now on. */
static int on_socket(CURL *easy, curl_socket_t socket, int what, void *owner, void *unused) {
  lj_sockets *sockets = owner;
  size_t at = 0;
  (void)easy;
  (void)unused;
  while (at < sockets->count && sockets->items[at].fd != socket) at++;
  if (what == CURL_POLL_REMOVE) {
    if (at < sockets->count) sockets->items[at] = sockets->items[--sockets->count];
    return 0;
  }
  if (at == sockets->capacity) return 0; /* can't be: lj_sockets_reserve has been called */
  if (at == sockets->count) sockets->count++;
  sockets->items[at] = (struct curl_waitfd){.fd = socket};
  if ((what & CURL_POLL_IN) != 0) sockets->items[at].events |= CURL_WAIT_POLLIN;
  if ((what & CURL_POLL_OUT) != 0) sockets->items[at].events |= CURL_WAIT_POLLOUT;
  return 0;
}

static int on_timer(CURLM *multi, long timeout_ms, void *owner) {
  lj_sockets *sockets = owner;
  (void)multi;
  /* Our milliseconds may have begun a while ago: one more, or curl would be called too early, and again, until it is time. */
  sockets->run_at_ms = timeout_ms < 0 ? INT64_MAX : lj_mono_ms() + timeout_ms + (timeout_ms > 0 ? 1 : 0);
  return 0;
}

int lj_sockets_open(lj_sockets *sockets) {
  memset(sockets, 0, sizeof *sockets);
  sockets->run_at_ms = INT64_MAX;
  sockets->multi = curl_multi_init();
  sockets->sleeper = curl_multi_init();
  sockets->asker = curl_multi_init();
  CURLM *multi = sockets->multi;
  bool ready = multi != NULL && sockets->sleeper != NULL && sockets->asker != NULL &&
               curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket) == CURLM_OK &&
               curl_multi_setopt(multi, CURLMOPT_SOCKETDATA, sockets) == CURLM_OK &&
               curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timer) == CURLM_OK &&
               curl_multi_setopt(multi, CURLMOPT_TIMERDATA, sockets) == CURLM_OK;
  return ready ? LJ_OK : LJ_NOMEM;
}

void lj_sockets_close(lj_sockets *sockets) {
  if (sockets->multi != NULL) (void)curl_multi_cleanup(sockets->multi); /* it still tells of sockets that it closes */
  if (sockets->sleeper != NULL) (void)curl_multi_cleanup(sockets->sleeper);
  if (sockets->asker != NULL) (void)curl_multi_cleanup(sockets->asker);
  lj_free(sockets->items);
}

int lj_sockets_reserve(lj_sockets *sockets, size_t transfers) {
  size_t needed = transfers * PER_TRANSFER;
  if (needed <= sockets->capacity) return LJ_OK;
  size_t capacity = sockets->capacity > 0 ? sockets->capacity : FIRST_CAPACITY;
  while (capacity < needed) capacity *= 2;
  struct curl_waitfd *items = lj_realloc(sockets->items, capacity * sizeof *items);
  if (items == NULL) return LJ_NOMEM;
  sockets->items = items;
  sockets->capacity = capacity;
  return LJ_OK;
}

/* What the socket has, as curl wants to be told; it counts once. */
static int take_events(struct curl_waitfd *item) {
  int events = 0;
  if ((item->revents & CURL_WAIT_POLLIN) != 0) events |= CURL_CSELECT_IN;
  if ((item->revents & CURL_WAIT_POLLOUT) != 0) events |= CURL_CSELECT_OUT;
  item->revents = 0;
  return events;
}

int lj_sockets_run(lj_sockets *sockets) {
  CURLMcode result = CURLM_OK;
  int running = 0;
  if (!sockets->asked && sockets->count > 0)
    result = curl_multi_wait(sockets->asker, sockets->items, (unsigned)sockets->count, 0, NULL);
  sockets->asked = false;
  /* Backwards, because running a transfer may take any socket from the list and put the last one in its place: those that have not
   * been looked at yet stay before `i`. */
  for (size_t i = sockets->count; result == CURLM_OK && i-- > 0;) {
    int events = i < sockets->count ? take_events(&sockets->items[i]) : 0;
    if (events != 0) result = curl_multi_socket_action(sockets->multi, sockets->items[i].fd, events, &running);
  }
  if (result == CURLM_OK && sockets->run_at_ms <= lj_mono_ms()) {
    sockets->run_at_ms = INT64_MAX;
    result = curl_multi_socket_action(sockets->multi, CURL_SOCKET_TIMEOUT, 0, &running);
  }
  return code_of(result);
}

int lj_sockets_wait(lj_sockets *sockets, int timeout_ms) {
  if (sockets->run_at_ms != INT64_MAX) {
    int64_t left = sockets->run_at_ms - lj_mono_ms();
    if (left < timeout_ms) timeout_ms = left > 0 ? (int)left : 0;
  }
  CURLMcode result = curl_multi_poll(sockets->sleeper, sockets->items, (unsigned)sockets->count, timeout_ms, NULL);
  sockets->asked = result == CURLM_OK;
  return code_of(result);
}

void lj_sockets_wake(lj_sockets *sockets) {
  /* Fails only when the wake-up pipe is full, and then the thread is awake. */
  (void)curl_multi_wakeup(sockets->sleeper);
}
