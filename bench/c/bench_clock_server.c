/* SPDX-License-Identifier: MIT
 *
 * A provider that keeps time: each POST is answered at once by the same body, and of each it notes when the whole request had
 * come and when the last byte of the answer had been sent, both on the monotonic clock in microseconds.
 *
 *     bench_clock_server FILE
 *
 * FILE holds the answer's body, JSON. A request names itself by "#NUMBER;" somewhere in its body. The server prints its port. For
 * each line on its standard input it prints a line "NUMBER CAME SENT" for each request since the last time, then a line ".".
 * It serves until its standard input ends. Linux only.
 */
#include <errno.h>
#include <inttypes.h>

#include "loopback.h"

enum { MAX_EVENTS = 64, MAX_REQUEST = 65536, MAX_ANSWER = 65536, MAX_NOTES = 65536, HEAD_ROOM = 256 };

typedef struct connection {
  int fd;
  size_t length;
  char request[MAX_REQUEST + 1];
} connection;

typedef struct note {
  long number;
  int64_t came_us, sent_us;
} note;

static char answer[HEAD_ROOM + MAX_ANSWER];
static size_t answer_length;
static note notes[MAX_NOTES];
static size_t note_count;

static bool read_answer(const char *name) {
  static char body[MAX_ANSWER];
  FILE *file = fopen(name, "rb");
  if (file == NULL) return false;
  size_t length = fread(body, 1, sizeof body, file);
  bool whole = ferror(file) == 0 && length > 0 && length < sizeof body;
  (void)fclose(file);
  if (!whole) return false;
  int head = snprintf(answer, HEAD_ROOM, "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %zu\r\n\r\n", length);
  memcpy(answer + head, body, length);
  answer_length = (size_t)head + length;
  return true;
}

/* Of the request that is whole, 0 when more must come. */
static size_t length_of_request(const connection *one) {
  const char *end = strstr(one->request, "\r\n\r\n");
  if (end == NULL) return 0;
  size_t length = (size_t)(end + 4 - one->request) + loopback_body_length(one->request, end);
  return one->length >= length ? length : 0;
}

static bool respond(connection *one, size_t length) {
  int64_t came_us = now_us();
  if (send(one->fd, answer, answer_length, MSG_NOSIGNAL) != (ssize_t)answer_length) return false;
  int64_t sent_us = now_us();
  const char *mark = strchr(strstr(one->request, "\r\n\r\n"), '#');
  if (mark != NULL && note_count < MAX_NOTES)
    notes[note_count++] = (note){.number = strtol(mark + 1, NULL, 10), .came_us = came_us, .sent_us = sent_us};
  one->length -= length;
  memmove(one->request, one->request + length, one->length + 1);
  return true;
}

/* False ends the connection. */
static bool take(connection *one) {
  ssize_t got = recv(one->fd, one->request + one->length, MAX_REQUEST - one->length, 0);
  if (got < 0 && (errno == EAGAIN || errno == EINTR)) return true;
  if (got <= 0) return false;
  one->length += (size_t)got;
  one->request[one->length] = '\0';
  for (size_t length = length_of_request(one); length > 0; length = length_of_request(one))
    if (!respond(one, length)) return false;
  return one->length < MAX_REQUEST;
}

static void accept_one(int listener, int poller) {
  connection *one = calloc(1, sizeof *one);
  int fd = loopback_accept(listener, poller, one);
  if (fd < 0)
    free(one);
  else
    one->fd = fd;
}

/* False when nobody wants to know any more. */
static bool tell(void) {
  char line[64];
  if (read(STDIN_FILENO, line, sizeof line) <= 0) return false;
  for (size_t i = 0; i < note_count; i++) printf("%ld %" PRId64 " %" PRId64 "\n", notes[i].number, notes[i].came_us, notes[i].sent_us);
  note_count = 0;
  printf(".\n");
  return fflush(stdout) == 0;
}

int main(int argc, char **argv) {
  if (argc != 2 || !read_answer(argv[1])) {
    fprintf(stderr, "Usage: bench_clock_server FILE\n");
    return 2;
  }
  int listener, poller;
  if (!loopback_open(&listener, &poller)) {
    perror("bench_clock_server");
    return 1;
  }
  for (;;) {
    struct epoll_event events[MAX_EVENTS];
    int ready = epoll_wait(poller, events, MAX_EVENTS, -1);
    for (int i = 0; i < ready; i++) {
      connection *one = events[i].data.ptr;
      if (events[i].data.ptr == &loopback_input) {
        if (!tell()) return 0;
      } else if (one == NULL) {
        accept_one(listener, poller);
      } else if (!take(one)) {
        (void)close(one->fd);
        free(one);
      }
    }
  }
}
