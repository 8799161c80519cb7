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
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

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

static int64_t now_us(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

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
  const char *field = strcasestr(one->request, "content-length:");
  size_t head = (size_t)(end + 4 - one->request);
  size_t body = field != NULL && field < end ? (size_t)strtoul(field + 15, NULL, 10) : 0;
  return one->length >= head + body ? head + body : 0;
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
  int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return;
  connection *one = calloc(1, sizeof *one);
  int yes = 1;
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = one};
  if (one == NULL || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) != 0 || epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) != 0) {
    (void)close(fd);
    free(one);
    return;
  }
  one->fd = fd;
}

static int listen_on_loopback(void) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) != 0 || listen(fd, 512) != 0 ||
      getsockname(fd, (struct sockaddr *)&address, &size) != 0)
    return -1;
  printf("%d\n", ntohs(address.sin_port));
  (void)fflush(stdout);
  return fd;
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
  int listener = listen_on_loopback();
  int poller = epoll_create1(EPOLL_CLOEXEC);
  static int input_mark;
  struct epoll_event on_listener = {.events = EPOLLIN, .data.ptr = NULL};
  struct epoll_event on_input = {.events = EPOLLIN, .data.ptr = &input_mark};
  if (listener < 0 || poller < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, listener, &on_listener) != 0 ||
      epoll_ctl(poller, EPOLL_CTL_ADD, STDIN_FILENO, &on_input) != 0) {
    perror("bench_clock_server");
    return 1;
  }
  for (;;) {
    struct epoll_event events[MAX_EVENTS];
    int ready = epoll_wait(poller, events, MAX_EVENTS, -1);
    for (int i = 0; i < ready; i++) {
      connection *one = events[i].data.ptr;
      if (events[i].data.ptr == &input_mark) {
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
