/* SPDX-License-Identifier: MIT
 *
 * A process that we start and end ourselves: a local model server. It is only ever ended by the id that the system gave it when
 * we started it, together with the processes that it has started. POSIX and Win32 sides in child_posix.c and child_win32.c.
 */
#ifndef LJ_BASE_CHILD_H
#define LJ_BASE_CHILD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/result.h"

typedef struct lj_child {
  int64_t id;   /* 0: none runs, as far as we know */
  void *handle; /* of Windows: the job object of the process and its children */
  void *process;
} lj_child;

/* Starts command[0], searched for in PATH, with the rest as its arguments; the list ends with NULL. It reads nothing, what it
 * prints is dropped, and it has none of our files and sockets. LJ_OK, LJ_NOT_FOUND (there is no such program, or it may not be
 * run) or LJ_IO. */
int lj_child_start(lj_child *child, const char *const *command) LJ_MUST_CHECK;

/* Whether it still runs; forgets it when it does not. */
bool lj_child_running(lj_child *child);

/* Asks it to end, or, when that has not helped (`force`), ends it. lj_child_running tells when it is gone. */
void lj_child_end(lj_child *child, bool force);

#endif
