/* SPDX-License-Identifier: MIT
 *
 * POSIX sockets over Winsock, as far as support/loopback_server.c uses them: the headers beside this one, under the names that
 * POSIX has, lead here. A pipe is a pair of sockets, because only those can be polled.
 */
#ifndef LJ_TEST_WINDOWS_SOCKETS_H
#define LJ_TEST_WINDOWS_SOCKETS_H

/* Before the names below are taken. */
#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <stdbool.h>
#include <unistd.h>
/* clang-format off */
#include <winsock2.h>
#include <ws2tcpip.h>
/* clang-format on */

#define MSG_NOSIGNAL 0
#define F_GETFL 1
#define F_SETFL 2
#define O_NONBLOCK 4

typedef unsigned nfds_t;

static inline int socket_result(int result) {
  if (result < 0) errno = WSAGetLastError() == WSAEWOULDBLOCK ? EAGAIN : EIO;
  return result;
}

static inline int socket_open(int domain, int type, int protocol) {
  WSADATA about;
  if (WSAStartup(MAKEWORD(2, 2), &about) != 0) return -1;
  return (int)socket(domain, type, protocol);
}

static inline int socket_recv(int at, void *out, size_t size, int flags) {
  return socket_result(recv((SOCKET)at, out, (int)size, flags));
}

static inline int socket_send(int at, const void *bytes, size_t size, int flags) {
  return socket_result(send((SOCKET)at, bytes, (int)size, flags));
}

static inline int socket_option(int at, int level, int name, const void *value, int size) {
  return setsockopt((SOCKET)at, level, name, value, size);
}

static inline int socket_fcntl(int at, int command, int value, ...) {
  u_long on = (value & O_NONBLOCK) != 0;
  return command == F_GETFL ? 0 : ioctlsocket((SOCKET)at, (long)FIONBIO, &on);
}

static inline int socket_poll(struct pollfd *fds, nfds_t count, int timeout) {
  return socket_result(WSAPoll(fds, count, timeout));
}

static inline int socket_pair(int ends[2]) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
  int length = sizeof address;
  int listener = socket_open(AF_INET, SOCK_STREAM, 0);
  ends[1] = socket_open(AF_INET, SOCK_STREAM, 0);
  bool made = listener >= 0 && ends[1] >= 0 && bind((SOCKET)listener, (struct sockaddr *)&address, length) == 0 &&
              listen((SOCKET)listener, 1) == 0 && getsockname((SOCKET)listener, (struct sockaddr *)&address, &length) == 0 &&
              connect((SOCKET)ends[1], (struct sockaddr *)&address, length) == 0;
  ends[0] = made ? (int)accept((SOCKET)listener, NULL, NULL) : -1;
  (void)closesocket((SOCKET)listener);
  return ends[0] >= 0 ? 0 : -1;
}

#define socket(domain, type, protocol) socket_open(domain, type, protocol)
#define recv(at, out, size, flags) socket_recv(at, out, size, flags)
#define send(at, bytes, size, flags) socket_send(at, bytes, size, flags)
#define read(at, out, size) socket_recv(at, out, size, 0)
#define write(at, bytes, size) socket_send(at, bytes, size, 0)
#define close(at) closesocket((SOCKET)(at))
#define setsockopt(at, level, name, value, size) socket_option(at, level, name, value, (int)(size))
#define fcntl(...) socket_fcntl(__VA_ARGS__, 0)
#define poll(fds, count, timeout) socket_poll(fds, count, timeout)
#define pipe(ends) socket_pair(ends)

#endif
