/* SPDX-License-Identifier: MIT */
#include "support/loopback_server.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { MAX_REQUEST = 1 << 21, KEPT_BYTES = 8192, WAIT_SECONDS = 20 };

static const char no_reply[] = "HTTP/1.1 599 No reply in the script\r\nContent-Length: 0\r\n\r\n";

typedef struct connection {
  int socket;
  char *request;
  size_t received;
  size_t capacity;
  bool answering;
  loopback_reply reply;
  size_t sent;
  int64_t send_at_ms;
} connection;

struct loopback_server {
  int listener;
  int port;
  int wake[2];
  pthread_t thread;
  pthread_mutex_t lock; /* guards what follows, up to the connections, which belong to the thread */
  pthread_cond_t changed;
  loopback_reply script[LOOPBACK_REPLIES];
  size_t script_count;
  size_t requests;
  size_t accepted;
  size_t open;
  bool gate_open;
  bool away;
  bool stop;
  char *kept[LOOPBACK_KEPT];
  connection connections[LOOPBACK_CONNECTIONS];
  size_t connection_count;
};

static int64_t now_ms(void) {
  struct timespec now;
  (void)clock_gettime(CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void no_blocking(int socket) { (void)fcntl(socket, F_SETFL, fcntl(socket, F_GETFL) | O_NONBLOCK); }

static void wake(loopback_server *server) {
  ssize_t written = write(server->wake[1], "w", 1); /* a full pipe wakes too */
  (void)written;
}

/* Length of a whole request at the start of `text`, 0 while it is not whole. */
static size_t request_length(const char *text, size_t received) {
  const char *end = NULL;
  size_t body = 0;
  for (size_t i = 0; end == NULL && i + 4 <= received; i++)
    if (memcmp(text + i, "\r\n\r\n", 4) == 0) end = text + i + 4;
  if (end == NULL) return 0;
  for (const char *line = text; line < end; line = strchr(line, '\n') + 1)
    if (strncasecmp(line, "Content-Length:", 15) == 0) body = (size_t)strtoul(line + 15, NULL, 10);
  size_t whole = (size_t)(end - text) + body;
  return received >= whole ? whole : 0;
}

static loopback_reply choose(loopback_server *server, const char *request) {
  for (size_t i = 0; i < server->script_count; i++) {
    loopback_reply *reply = &server->script[i];
    if (reply->times < 0 || (reply->when != NULL && strstr(request, reply->when) == NULL)) continue;
    loopback_reply chosen = *reply;
    if (reply->times > 0 && --reply->times == 0) reply->times = -1; /* used up */
    return chosen;
  }
  return (loopback_reply){.bytes = no_reply};
}

static void begin_answer(loopback_server *server, connection *at, size_t length) {
  char behind = at->request[length];
  at->request[length] = '\0';
  (void)pthread_mutex_lock(&server->lock);
  at->reply = choose(server, at->request);
  if (server->requests < LOOPBACK_KEPT) server->kept[server->requests] = strndup(at->request, KEPT_BYTES);
  server->requests++;
  (void)pthread_cond_broadcast(&server->changed);
  (void)pthread_mutex_unlock(&server->lock);
  at->request[length] = behind;
  memmove(at->request, at->request + length, at->received - length);
  at->received -= length;
  at->request[at->received] = '\0';
  if (at->reply.bytes != NULL && at->reply.length == 0) at->reply.length = strlen(at->reply.bytes);
  if (at->reply.bytes == NULL) at->reply.length = 0;
  at->answering = true;
  at->sent = 0;
  at->send_at_ms = 0;
}

/* False: the connection is to be closed. */
static bool receive(loopback_server *server, connection *at) {
  if (at->received + 65536 + 1 > at->capacity) {
    if (at->capacity > MAX_REQUEST) return false;
    char *longer = realloc(at->request, at->capacity + 131072);
    if (longer == NULL) return false;
    at->request = longer;
    at->capacity += 131072;
  }
  ssize_t got = recv(at->socket, at->request + at->received, 65536, 0);
  if (got == 0) return false;
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  at->received += (size_t)got;
  at->request[at->received] = '\0';
  size_t length = at->answering ? 0 : request_length(at->request, at->received);
  if (length > 0) begin_answer(server, at, length);
  return true;
}

static bool gate_holds(loopback_server *server, const connection *at) {
  if (at->reply.gate == 0 || at->sent < at->reply.gate) return false;
  (void)pthread_mutex_lock(&server->lock);
  bool open = server->gate_open;
  (void)pthread_mutex_unlock(&server->lock);
  return !open;
}

/* False: the connection is to be closed. */
static bool answer(loopback_server *server, connection *at, int64_t now) {
  while (at->answering && at->sent < at->reply.length) {
    if (now < at->send_at_ms || gate_holds(server, at)) return true;
    size_t length = at->reply.length - at->sent;
    if (at->reply.piece > 0 && length > at->reply.piece) length = at->reply.piece;
    if (at->reply.gate > at->sent && length > at->reply.gate - at->sent) length = at->reply.gate - at->sent;
    ssize_t sent = send(at->socket, at->reply.bytes + at->sent, length, MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN || errno == EINTR;
    at->sent += (size_t)sent;
    if (at->reply.pause_ms > 0) at->send_at_ms = now + at->reply.pause_ms;
  }
  if (!at->answering || at->reply.then == LOOPBACK_SILENT || gate_holds(server, at)) return true;
  if (at->reply.then == LOOPBACK_KEEP) {
    at->answering = false;
    size_t length = request_length(at->request, at->received);
    if (length > 0) begin_answer(server, at, length);
    return true;
  }
  if (at->reply.then == LOOPBACK_RESET) {
    struct linger now_off = {.l_onoff = 1, .l_linger = 0};
    (void)setsockopt(at->socket, SOL_SOCKET, SO_LINGER, &now_off, sizeof now_off);
  }
  return false;
}

static void note_open(loopback_server *server) {
  (void)pthread_mutex_lock(&server->lock);
  server->open = server->connection_count;
  (void)pthread_cond_broadcast(&server->changed);
  (void)pthread_mutex_unlock(&server->lock);
}

static void drop(loopback_server *server, size_t index) {
  connection *at = &server->connections[index];
  (void)close(at->socket);
  free(at->request);
  *at = server->connections[--server->connection_count];
  note_open(server);
}

static void accept_one(loopback_server *server) {
  int one = 1;
  int fresh = accept(server->listener, NULL, NULL);
  if (fresh < 0) return;
  if (server->connection_count == LOOPBACK_CONNECTIONS) {
    (void)close(fresh);
    return;
  }
  no_blocking(fresh);
  (void)setsockopt(fresh, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
  server->connections[server->connection_count++] = (connection){.socket = fresh};
  (void)pthread_mutex_lock(&server->lock);
  server->accepted++;
  (void)pthread_mutex_unlock(&server->lock);
  note_open(server);
}

static int listen_at(int *port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)*port)};
  socklen_t length = sizeof address;
  int one = 1;
  int listener = socket(AF_INET, SOCK_STREAM, 0);
  if (listener < 0) return -1;
  (void)setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 512) != 0 ||
      getsockname(listener, (struct sockaddr *)&address, &length) != 0) {
    (void)close(listener);
    return -1;
  }
  *port = ntohs(address.sin_port);
  return listener;
}

/* Refuses connections, or takes them again; in the server's thread. */
static void follow_presence(loopback_server *server) {
  (void)pthread_mutex_lock(&server->lock);
  bool away = server->away;
  (void)pthread_mutex_unlock(&server->lock);
  if (away && server->listener >= 0) {
    (void)close(server->listener);
    server->listener = -1;
    while (server->connection_count > 0) drop(server, server->connection_count - 1);
  } else if (!away && server->listener < 0) {
    server->listener = listen_at(&server->port);
    if (server->listener < 0) abort(); /* somebody else has taken the port */
    no_blocking(server->listener);
  }
}

static void *serve(void *argument) {
  loopback_server *server = argument;
  static const int forever = 1000;
  for (;;) {
    struct pollfd fds[LOOPBACK_CONNECTIONS + 2];
    int timeout = forever;
    int64_t now = now_ms();
    (void)pthread_mutex_lock(&server->lock);
    bool stop = server->stop;
    (void)pthread_mutex_unlock(&server->lock);
    if (stop) break;
    follow_presence(server);
    fds[0] = (struct pollfd){.fd = server->listener, .events = POLLIN};
    fds[1] = (struct pollfd){.fd = server->wake[0], .events = POLLIN};
    for (size_t i = 0; i < server->connection_count; i++) {
      connection *at = &server->connections[i];
      bool sending = at->answering && at->sent < at->reply.length && !gate_holds(server, at);
      bool paused = sending && at->send_at_ms > now;
      if (paused && at->send_at_ms - now < timeout) timeout = (int)(at->send_at_ms - now);
      fds[i + 2] = (struct pollfd){.fd = at->socket, .events = (short)(POLLIN | (sending && !paused ? POLLOUT : 0))};
    }
    size_t watched = server->connection_count;
    if (poll(fds, (nfds_t)(watched + 2), timeout) < 0 && errno != EINTR) break;
    now = now_ms();
    if ((fds[1].revents & POLLIN) != 0) {
      char drained[64];
      while (read(server->wake[0], drained, sizeof drained) > 0) {
      }
    }
    /* From the last to the first, because dropping one moves the last into its place. */
    for (size_t i = watched; i-- > 0;) {
      connection *at = &server->connections[i];
      bool good = true;
      if ((fds[i + 2].revents & (POLLIN | POLLHUP | POLLERR)) != 0) good = receive(server, at);
      if (good) good = answer(server, at, now);
      if (!good) drop(server, i);
    }
    if ((fds[0].revents & POLLIN) != 0) accept_one(server);
  }
  return NULL;
}

loopback_server *loopback_start(void) {
  loopback_server *server = calloc(1, sizeof *server);
  if (server == NULL) return NULL;
  server->listener = listen_at(&server->port);
  if (server->listener < 0 || pipe(server->wake) != 0) {
    free(server);
    return NULL;
  }
  no_blocking(server->listener);
  no_blocking(server->wake[0]);
  no_blocking(server->wake[1]);
  (void)pthread_mutex_init(&server->lock, NULL);
  (void)pthread_cond_init(&server->changed, NULL);
  if (pthread_create(&server->thread, NULL, serve, server) != 0) abort();
  return server;
}

void loopback_stop(loopback_server *server) {
  if (server == NULL) return;
  (void)pthread_mutex_lock(&server->lock);
  server->stop = true;
  (void)pthread_mutex_unlock(&server->lock);
  wake(server);
  (void)pthread_join(server->thread, NULL);
  while (server->connection_count > 0) drop(server, server->connection_count - 1);
  for (size_t i = 0; i < LOOPBACK_KEPT; i++) free(server->kept[i]);
  if (server->listener >= 0) (void)close(server->listener);
  (void)close(server->wake[0]);
  (void)close(server->wake[1]);
  (void)pthread_mutex_destroy(&server->lock);
  (void)pthread_cond_destroy(&server->changed);
  free(server);
}

int loopback_port(const loopback_server *server) { return server->port; }

void loopback_script(loopback_server *server, loopback_reply reply) {
  (void)pthread_mutex_lock(&server->lock);
  if (server->script_count == LOOPBACK_REPLIES) abort(); /* a test that needs more raises the number */
  server->script[server->script_count++] = reply;
  (void)pthread_mutex_unlock(&server->lock);
}

void loopback_clear(loopback_server *server) {
  (void)pthread_mutex_lock(&server->lock);
  server->script_count = 0;
  (void)pthread_mutex_unlock(&server->lock);
}

static void set_gate(loopback_server *server, bool open) {
  (void)pthread_mutex_lock(&server->lock);
  server->gate_open = open;
  (void)pthread_mutex_unlock(&server->lock);
  wake(server);
}

void loopback_open_gate(loopback_server *server) { set_gate(server, true); }
void loopback_close_gate(loopback_server *server) { set_gate(server, false); }

void loopback_leave(loopback_server *server, bool away) {
  (void)pthread_mutex_lock(&server->lock);
  server->away = away;
  (void)pthread_mutex_unlock(&server->lock);
  wake(server);
}

static size_t read_count(loopback_server *server, const size_t *count) {
  (void)pthread_mutex_lock(&server->lock);
  size_t value = *count;
  (void)pthread_mutex_unlock(&server->lock);
  return value;
}

size_t loopback_requests(loopback_server *server) { return read_count(server, &server->requests); }
size_t loopback_connections(loopback_server *server) { return read_count(server, &server->accepted); }
size_t loopback_open(loopback_server *server) { return read_count(server, &server->open); }

size_t loopback_count(loopback_server *server, const char *text) {
  size_t count = 0;
  (void)pthread_mutex_lock(&server->lock);
  for (size_t i = 0; i < server->requests && i < LOOPBACK_KEPT; i++)
    if (server->kept[i] != NULL && strstr(server->kept[i], text) != NULL) count++;
  (void)pthread_mutex_unlock(&server->lock);
  return count;
}

static bool wait_for(loopback_server *server, const size_t *value, size_t wanted, bool exactly) {
  struct timespec until;
  bool reached = false;
  bool late = false;
  (void)clock_gettime(CLOCK_REALTIME, &until);
  until.tv_sec += WAIT_SECONDS;
  (void)pthread_mutex_lock(&server->lock);
  for (;;) {
    reached = exactly ? *value == wanted : *value >= wanted;
    if (reached || late) break;
    late = pthread_cond_timedwait(&server->changed, &server->lock, &until) == ETIMEDOUT;
  }
  (void)pthread_mutex_unlock(&server->lock);
  return reached;
}

bool loopback_wait_requests(loopback_server *server, size_t count) { return wait_for(server, &server->requests, count, false); }
bool loopback_wait_open(loopback_server *server, size_t count) { return wait_for(server, &server->open, count, true); }

char *loopback_request(loopback_server *server, size_t number) {
  (void)pthread_mutex_lock(&server->lock);
  char *copy = number < server->requests && number < LOOPBACK_KEPT && server->kept[number] != NULL ? strdup(server->kept[number]) : NULL;
  (void)pthread_mutex_unlock(&server->lock);
  return copy;
}

int loopback_refused_port(void) {
  int port = 0;
  int listener = listen_at(&port);
  if (listener >= 0) (void)close(listener);
  return port;
}
