/* SPDX-License-Identifier: MIT
 *
 * An HTTP server on 127.0.0.1 that answers what a test has written down. One thread, a port that the system chooses, at most
 * LOOPBACK_CONNECTIONS at a time; it uses none of the engine's code, so that neither its memory nor its clock is shared.
 *
 * Each request takes the first reply of the script that fits it and is not used up. What fits nothing is answered by 599.
 */
#ifndef LJ_TEST_SUPPORT_LOOPBACK_SERVER_H
#define LJ_TEST_SUPPORT_LOOPBACK_SERVER_H

#include <stdbool.h>
#include <stddef.h>

enum { LOOPBACK_CONNECTIONS = 256, LOOPBACK_REPLIES = 32, LOOPBACK_KEPT = 4096 };

typedef enum loopback_then {
  LOOPBACK_KEEP,  /* the connection waits for the next request */
  LOOPBACK_CLOSE, /* it is closed in order */
  LOOPBACK_RESET, /* it is broken off */
  LOOPBACK_SILENT /* nothing more is ever sent, and it stays open */
} loopback_then;

typedef struct loopback_reply {
  const char *when;  /* the request holds this text; NULL: any */
  int times;         /* how many requests it answers; 0: all */
  const char *bytes; /* the whole answer, head included; must stay in place. NULL: none */
  size_t length;     /* 0: strlen(bytes) */
  size_t piece;      /* so many bytes at a time; 0: all at once */
  int pause_ms;      /* between two pieces */
  size_t gate;       /* wait before this byte until loopback_open_gate; 0: no gate */
  loopback_then then;
} loopback_reply;

typedef struct loopback_server loopback_server;

loopback_server *loopback_start(void); /* NULL: no socket */
void loopback_stop(loopback_server *server);
int loopback_port(const loopback_server *server);

/* The reply is copied, its bytes are not. */
void loopback_script(loopback_server *server, loopback_reply reply);
/* Forgets the script; counts and connections stay. */
void loopback_clear(loopback_server *server);
/* Lets all replies pass their gates, also later ones; loopback_close_gate ends that for later ones. */
void loopback_open_gate(loopback_server *server);
void loopback_close_gate(loopback_server *server);

/* Away: all connections are broken and new ones refused, until it is back at the same port. */
void loopback_leave(loopback_server *server, bool away);

/* Counts since the start. */
size_t loopback_requests(loopback_server *server);
size_t loopback_connections(loopback_server *server);
size_t loopback_open(loopback_server *server); /* connections now open */
/* How many of the requests held this text, among the first LOOPBACK_KEPT. */
size_t loopback_count(loopback_server *server, const char *text);
/* Waits until `count` requests have come whole. False when they have not within 20 seconds. */
bool loopback_wait_requests(loopback_server *server, size_t count);
/* Waits until so many connections are open. */
bool loopback_wait_open(loopback_server *server, size_t count);
/* The text of request `number` (0: the first), cut at 8 KiB; caller frees with free. NULL: there is none. */
char *loopback_request(loopback_server *server, size_t number);

/* A port that refuses connections. */
int loopback_refused_port(void);

#endif
