/* SPDX-License-Identifier: MIT
 *
 * What the small servers of the benchmarks share: the monotonic clock, a listening socket, a poller that also ends when standard
 * input does, connections without delay. Linux only; included by one program each, so that each stays one file to compile.
 */
#ifndef LJ_BENCH_LOOPBACK_H
#define LJ_BENCH_LOOPBACK_H

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { LOOPBACK_BACKLOG = 4096 };

/* What events of standard input carry; those of the listener carry NULL. */
static int loopback_input;

static inline int64_t now_us(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* A listener on 127.0.0.1, its port printed, and a poller that watches it and standard input. False: errno says why. */
static inline bool loopback_open(int *listener, int *poller) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  struct epoll_event on_listener = {.events = EPOLLIN, .data.ptr = NULL};
  struct epoll_event on_input = {.events = EPOLLIN, .data.ptr = &loopback_input};
  *listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  *poller = epoll_create1(EPOLL_CLOEXEC);
  if (*listener < 0 || *poller < 0 || bind(*listener, (struct sockaddr *)&address, sizeof address) != 0 ||
      listen(*listener, LOOPBACK_BACKLOG) != 0 || getsockname(*listener, (struct sockaddr *)&address, &size) != 0 ||
      epoll_ctl(*poller, EPOLL_CTL_ADD, *listener, &on_listener) != 0 || epoll_ctl(*poller, EPOLL_CTL_ADD, STDIN_FILENO, &on_input) != 0)
    return false;
  printf("%d\n", ntohs(address.sin_port));
  return fflush(stdout) == 0;
}

/* The next connection that waits, watched with `owner`; −1: there is none, and the owner is the caller's to free. */
static inline int loopback_accept(int listener, int poller, void *owner) {
  int yes = 1;
  struct epoll_event event = {.events = EPOLLIN, .data.ptr = owner};
  int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (fd < 0) return -1;
  if (owner != NULL && setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) == 0 && epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) == 0)
    return fd;
  (void)close(fd);
  return -1;
}

/* The bytes of the body that a request's head announces; `head` ends with a NUL, `end` is its empty line. */
static inline size_t loopback_body_length(const char *head, const char *end) {
  const char *field = strcasestr(head, "content-length:");
  return field != NULL && field < end ? (size_t)strtoul(field + strlen("content-length:"), NULL, 10) : 0;
}

#endif
