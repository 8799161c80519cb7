/* SPDX-License-Identifier: MIT
 *
 * What makes a run of the engine repeat to the instruction: time that moves only when the engine sleeps, and a provider on the
 * loopback interface that does its work inside of that sleep, on the engine's own thread. clock_gettime, nanosleep, getrandom,
 * getpid, gethostname, poll and epoll_wait of this file take the place of the C library's, also for the libraries that are linked
 * in. So nothing depends on how fast the machine is or on which thread gets it, and what arrives together always does. Real are the
 * sockets, SQLite's file and all of the engine. Linux only; included by one program, with one engine.
 */
#ifndef LJ_BENCH_VIRTUAL_NETWORK_H
#define LJ_BENCH_VIRTUAL_NETWORK_H

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
  VN_CONNECTIONS = 512,
  VN_REQUEST_BYTES = 16384,
  VN_DESCRIPTORS = 2048,
  VN_PATIENCE = 100000,   /* looks for bytes that the kernel has and has not delivered yet */
  VN_REAL_WAIT_MS = 2000, /* for what must come … */
  VN_STEP_MS = 10,        /* … in steps */
  VN_EPOCH_S = 1790000000,
  VN_BOOT_S = 1000,
  VN_PROCESS = 12345
};

typedef struct vn_answer {
  const char *bytes; /* a whole HTTP answer; pieces that come one after another are separated by NULs */
  size_t length;
  int64_t first_us;  /* from the request to the first piece */
  int64_t step_us;   /* between two pieces */
  int64_t shift_us;  /* the first answer of each connection comes later by this than that of the connection before */
} vn_answer;

typedef struct vn_connection {
  int fd;
  int client; /* the engine's end of it */
  bool used;
  const char *next; /* piece that comes next, NULL: nothing has been asked */
  int64_t next_us;
  size_t length;
  char request[VN_REQUEST_BYTES];
} vn_connection;

/* To be defined by the program: called on the engine's thread before each of its sleeps; and how many requests the engine has begun
 * and has no answer to. */
static void vn_before_sleep(void);
static size_t vn_awaited(void);

static vn_answer vn_says;
static int vn_listener = -1;
static vn_connection vn_connections[VN_CONNECTIONS];
static size_t vn_count;
static int64_t vn_now_us; /* since the start */

static void vn_die(const char *what) {
  fprintf(stderr, "virtual network: %s\n", what);
  _exit(1);
}

int clock_gettime(clockid_t clock, struct timespec *time) {
  time->tv_sec = (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE ? VN_EPOCH_S : VN_BOOT_S) + vn_now_us / 1000000;
  time->tv_nsec = vn_now_us % 1000000 * 1000;
  return 0;
}

/* As good as random, and the same in each run: where a key lands in an index decides what SQLite does. */
static uint64_t vn_mix(uint64_t number) {
  number += 0x9E3779B97F4A7C15u;
  number = (number ^ (number >> 30)) * 0xBF58476D1CE4E5B9u;
  number = (number ^ (number >> 27)) * 0x94D049BB133111EBu;
  return number ^ (number >> 31);
}

ssize_t getrandom(void *out, size_t length, unsigned flags) {
  static uint64_t drawn;
  (void)flags;
  for (size_t i = 0; i < length; i++) ((unsigned char *)out)[i] = (unsigned char)vn_mix(drawn++);
  return (ssize_t)length;
}

/* Both are part of each lease, and so of what rows weigh. */
pid_t getpid(void) { return VN_PROCESS; }

int gethostname(char *out, size_t length) {
  (void)snprintf(out, length, "host");
  return 0;
}

/* Until so many bytes wait at this end of a connection. The kernel delivers at once as a rule; on a busy machine a thread of its own
 * does it. */
static void vn_settle(int fd, int expected) {
  int there = 0;
  for (int i = 0; i < VN_PATIENCE; i++) {
    if (ioctl(fd, FIONREAD, &there) != 0 || there >= expected) return;
    (void)sched_yield();
  }
  vn_die("what was sent does not arrive");
}

static int vn_other_end(int fd) {
  struct sockaddr_in peer = {0};
  struct sockaddr_in own = {0};
  socklen_t size = sizeof peer;
  if (getpeername(fd, (struct sockaddr *)&peer, &size) != 0) return -1;
  for (int i = 0; i < VN_DESCRIPTORS; i++) {
    size = sizeof own;
    if (i != fd && getsockname(i, (struct sockaddr *)&own, &size) == 0 && own.sin_family == AF_INET && own.sin_port == peer.sin_port) return i;
  }
  return -1;
}

static void vn_accept(void) {
  int fd = -1;
  int yes = 1;
  while ((fd = accept4(vn_listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
    int client = vn_other_end(fd);
    if (client < 0) {
      (void)close(fd);
      continue;
    }
    if (vn_count == VN_CONNECTIONS || setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes) != 0) vn_die("too many connections");
    vn_connections[vn_count++] = (vn_connection){.fd = fd, .client = client};
  }
}

/* True when the request is whole; it is forgotten then. */
static bool vn_complete(vn_connection *one) {
  one->request[one->length] = '\0';
  const char *end = strstr(one->request, "\r\n\r\n");
  const char *field = strcasestr(one->request, "\r\ncontent-length:");
  if (end == NULL || field == NULL || field > end) return false;
  if (one->length < (size_t)(end + 4 - one->request) + strtoul(field + 17, NULL, 10)) return false;
  one->length = 0;
  return true;
}

static void vn_receive_from(vn_connection *one) {
  ssize_t got = 0;
  while ((got = recv(one->fd, one->request + one->length, VN_REQUEST_BYTES - 1 - one->length, 0)) > 0) one->length += (size_t)got;
  if (got == 0) {
    (void)close(one->fd);
    one->fd = -1;
    return;
  }
  if (one->length == VN_REQUEST_BYTES - 1) vn_die("a request is too long");
  if (one->length == 0 || !vn_complete(one)) return;
  one->next = vn_says.bytes;
  one->next_us = vn_now_us + vn_says.first_us + (one->used ? 0 : vn_says.shift_us * (one - vn_connections));
  one->used = true;
}

static bool vn_waits(const vn_connection *one) { return one->fd >= 0 && one->next != NULL; }

static size_t vn_waiting(void) {
  size_t waiting = 0;
  for (size_t i = 0; i < vn_count; i++)
    if (vn_waits(&vn_connections[i])) waiting++;
  return waiting;
}

/* Takes all requests that have been sent. */
static void vn_receive(void) {
  vn_accept();
  for (size_t i = 0; i < vn_count; i++)
    if (vn_connections[i].fd >= 0 && !vn_waits(&vn_connections[i])) vn_receive_from(&vn_connections[i]);
}

static vn_connection *vn_next(void) {
  vn_connection *next = NULL;
  for (size_t i = 0; i < vn_count; i++) {
    vn_connection *one = &vn_connections[i];
    if (vn_waits(one) && (next == NULL || one->next_us < next->next_us)) next = one;
  }
  return next;
}

static void vn_send_piece(vn_connection *one) {
  size_t length = strlen(one->next);
  int before = 0; /* what the engine has not read yet */
  if (ioctl(one->client, FIONREAD, &before) != 0) before = 0;
  if (send(one->fd, one->next, length, MSG_NOSIGNAL) != (ssize_t)length) vn_die("an answer does not fit the socket");
  one->next += length + 1;
  vn_settle(one->client, before + (int)length);
  one->next_us += vn_says.step_us;
  if (one->next >= vn_says.bytes + vn_says.length) one->next = NULL;
}

/* Sends what is due; the engine finds all of it. */
static void vn_send(void) {
  for (vn_connection *one = vn_next(); one != NULL && one->next_us <= vn_now_us; one = vn_next()) vn_send_piece(one);
}

/* The engine sleeps, whatever comes meanwhile. noinline, as the next one: the profile shows by these names what does not belong to
 * the engine. */
__attribute__((noinline)) static void vn_pass(int64_t us) {
  vn_before_sleep();
  if (vn_waiting() < vn_awaited()) vn_receive();
  vn_now_us += us;
  vn_send();
}

int nanosleep(const struct timespec *wanted, struct timespec *left) {
  vn_pass((int64_t)wanted->tv_sec * 1000000 + wanted->tv_nsec / 1000);
  if (left != NULL) *left = (struct timespec){0, 0};
  return 0;
}

/* The engine sleeps until something can be read, or for so long. `look` asks the kernel what is ready and waits as long as it says. */
__attribute__((noinline)) static int vn_sleep(int (*look)(void *question, int wait_ms), void *question, int timeout_ms) {
  vn_before_sleep();
  int ready = look(question, 0);
  if (ready != 0) return ready;
  /* Requests have been sent; the second time connections are being made, or the kernel is late. */
  for (int i = 0; vn_waiting() < vn_awaited() && i < VN_REAL_WAIT_MS / VN_STEP_MS; i++) {
    vn_receive();
    if (vn_waiting() < vn_awaited()) ready = look(question, VN_STEP_MS);
    if (ready != 0) return ready;
  }
  const vn_connection *next = vn_next();
  int64_t until_us = timeout_ms < 0 ? INT64_MAX : vn_now_us + (int64_t)timeout_ms * 1000;
  if (next == NULL && timeout_ms < 0) vn_die("the engine waits for nothing");
  if (next == NULL || next->next_us > until_us) {
    vn_now_us = until_us;
    return 0;
  }
  if (next->next_us > vn_now_us) vn_now_us = next->next_us;
  vn_send();
  ready = look(question, VN_REAL_WAIT_MS);
  if (ready == 0) vn_die("an answer does not arrive");
  return ready;
}

typedef struct vn_poll {
  struct pollfd *items;
  nfds_t count;
} vn_poll;

static int vn_look_poll(void *question, int wait_ms) {
  const vn_poll *poll = question;
  struct timespec wait = {wait_ms / 1000, wait_ms % 1000 * 1000000L};
  return (int)syscall(SYS_ppoll, poll->items, poll->count, &wait, NULL, 0);
}

int poll(struct pollfd *items, nfds_t count, int timeout_ms) {
  vn_poll question = {items, count};
  return timeout_ms == 0 ? vn_look_poll(&question, 0) : vn_sleep(vn_look_poll, &question, timeout_ms);
}

typedef struct vn_epoll {
  int fd;
  struct epoll_event *events;
  int most;
} vn_epoll;

static int vn_look_epoll(void *question, int wait_ms) {
  const vn_epoll *epoll = question;
  return (int)syscall(SYS_epoll_pwait, epoll->fd, epoll->events, epoll->most, wait_ms, NULL, 0);
}

int epoll_wait(int fd, struct epoll_event *events, int most, int timeout_ms) {
  vn_epoll question = {fd, events, most};
  return timeout_ms == 0 ? vn_look_epoll(&question, 0) : vn_sleep(vn_look_epoll, &question, timeout_ms);
}

/* Returns the port. */
static int vn_open(vn_answer answer) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  socklen_t size = sizeof address;
  vn_says = answer;
  vn_listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (vn_listener < 0 || bind(vn_listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(vn_listener, VN_CONNECTIONS) != 0 ||
      getsockname(vn_listener, (struct sockaddr *)&address, &size) != 0)
    vn_die("no socket to listen on");
  return ntohs(address.sin_port);
}

#endif
