/* SPDX-License-Identifier: MIT
 *
 * A provider that costs little and keeps time: each POST is answered by an event stream of so many tokens, one in so many
 * milliseconds. A token's text is the monotonic time of its sending in microseconds, so that whoever gets it knows its age.
 *
 *     bench_paced_server TOKENS INTERVAL_MS
 *
 * Prints its port and serves until its standard input ends. Linux only.
 */
#include <errno.h>
#include <inttypes.h>
#include <sys/resource.h>

#include "loopback.h"

enum { MAX_CONNECTIONS = 4096, MAX_EVENTS = 256, HEAD_BYTES = 8192, SLOT_US = 500 };

typedef struct connection {
  int fd;
  int left;           /* tokens still to be sent; −1: no answer is under way */
  int64_t next_us;
  size_t body_left;   /* bytes of the request that are still to come */
  size_t head_length;
  char head[HEAD_BYTES];
} connection;

static connection *connections[MAX_CONNECTIONS];
static size_t count;
static int tokens;
static int64_t interval_us;

static void drop(connection *one) {
  for (size_t i = 0; i < count; i++)
    if (connections[i] == one) {
      connections[i] = connections[--count];
      break;
    }
  (void)close(one->fd);
  free(one);
}

/* False when the client is gone or does not read: the stream is then over for it. */
static bool send_all(const connection *one, const char *text, size_t length) {
  return send(one->fd, text, length, MSG_NOSIGNAL) == (ssize_t)length;
}

static bool send_event(const connection *one, const char *data) {
  char chunk[512];
  int body = (int)strlen(data) + 8;
  int length = snprintf(chunk, sizeof chunk, "%x\r\ndata: %s\n\n\r\n", (unsigned)body, data);
  return send_all(one, chunk, (size_t)length);
}

static bool begin_answer(connection *one) {
  static const char head[] = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
  one->left = tokens;
  /* Streams that begin together must not tick together: real ones do not. */
  one->next_us = now_us() + (int64_t)((double)rand() / RAND_MAX * (double)interval_us);
  return send_all(one, head, sizeof head - 1);
}

static bool send_token(connection *one) {
  char data[256];
  if (one->left > 0) {
    (void)snprintf(data, sizeof data,
                   "{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"%" PRId64
                   " \"},\"finish_reason\":null}]}",
                   now_us());
    one->left--;
    one->next_us += interval_us;
    return send_event(one, data);
  }
  one->left = -1;
  return send_event(one, "{\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{},"
                         "\"finish_reason\":\"stop\"}]}") &&
         send_event(one, "[DONE]") && send_all(one, "0\r\n\r\n", 5);
}

/* Takes request bytes; false ends the connection. The body is skipped by its length. */
static bool take(connection *one) {
  char block[16384];
  ssize_t got = recv(one->fd, block, sizeof block, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return true;
  if (got <= 0) return false;
  size_t length = (size_t)got;
  if (one->body_left > 0) {
    one->body_left = length < one->body_left ? one->body_left - length : 0;
    return one->body_left > 0 || begin_answer(one);
  }
  if (one->head_length + length >= HEAD_BYTES) {
    /* The head fits by far; what is more is the body. */
    length = HEAD_BYTES - 1 - one->head_length;
  }
  memcpy(one->head + one->head_length, block, length);
  one->head_length += length;
  one->head[one->head_length] = '\0';
  const char *end = strstr(one->head, "\r\n\r\n");
  if (end == NULL) return one->head_length < HEAD_BYTES - 1;
  size_t body = loopback_body_length(one->head, end);
  size_t have = one->head_length - (size_t)(end + 4 - one->head) + ((size_t)got - length);
  one->head_length = 0;
  one->body_left = have < body ? body - have : 0;
  return one->body_left > 0 || begin_answer(one);
}

static void accept_all(int listener, int poller) {
  for (;;) {
    connection *one = count < MAX_CONNECTIONS ? calloc(1, sizeof *one) : NULL;
    int fd = loopback_accept(listener, poller, one);
    if (fd < 0) {
      free(one);
      return;
    }
    one->fd = fd;
    one->left = -1;
    connections[count++] = one;
  }
}

/* Sends what is due; returns when something is due next. */
static int64_t send_due(void) {
  int64_t next = INT64_MAX;
  int64_t now = now_us();
  for (size_t i = count; i-- > 0;) {
    connection *one = connections[i];
    if (one->left < 0) continue;
    if (one->next_us <= now && !send_token(one)) {
      drop(one);
      continue;
    }
    if (one->left >= 0 && one->next_us < next) next = one->next_us;
  }
  return next;
}

int main(int argc, char **argv) {
  struct rlimit files = {MAX_CONNECTIONS + 64, MAX_CONNECTIONS + 64};
  if (argc != 3 || (tokens = atoi(argv[1])) < 1 || (interval_us = (int64_t)atoi(argv[2]) * 1000) < 1000) {
    fprintf(stderr, "Usage: bench_paced_server TOKENS INTERVAL_MS\n");
    return 2;
  }
  (void)setrlimit(RLIMIT_NOFILE, &files);
  int listener, poller;
  if (!loopback_open(&listener, &poller)) {
    perror("bench_paced_server");
    return 1;
  }
  for (;;) {
    struct epoll_event events[MAX_EVENTS];
    int64_t wait_us = send_due();
    int timeout = wait_us == INT64_MAX ? 1000 : (int)((wait_us - now_us() + SLOT_US) / 1000);
    int ready = epoll_wait(poller, events, MAX_EVENTS, timeout < 0 ? 0 : timeout);
    for (int i = 0; i < ready; i++) {
      if (events[i].data.ptr == &loopback_input) return 0;
      if (events[i].data.ptr == NULL)
        accept_all(listener, poller);
      else if (!take(events[i].data.ptr))
        drop(events[i].data.ptr);
    }
  }
}
