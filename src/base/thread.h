/* SPDX-License-Identifier: MIT
 *
 * Threads and locks with a POSIX side (thread_posix.c) and a Win32 side (thread_win32.c). Initialising can fail;
 * locking can't: a failed lock is a broken program and aborts.
 */
#ifndef LJ_BASE_THREAD_H
#define LJ_BASE_THREAD_H

#include "base/result.h"

#ifdef _WIN32
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <windows.h>
typedef struct lj_mutex { SRWLOCK lock; } lj_mutex;
typedef struct lj_thread {
  HANDLE handle;
  void (*run)(void *);
  void *argument;
  char name[16];
} lj_thread;
#else
#include <pthread.h>
typedef struct lj_mutex { pthread_mutex_t lock; } lj_mutex;
typedef struct lj_thread {
  pthread_t handle;
  void (*run)(void *);
  void *argument;
  char name[16];
} lj_thread;
#endif

int lj_mutex_init(lj_mutex *mutex) LJ_MUST_CHECK; /* LJ_OK or LJ_NOMEM */
void lj_mutex_destroy(lj_mutex *mutex);
void lj_mutex_lock(lj_mutex *mutex);
void lj_mutex_unlock(lj_mutex *mutex);

/* Starts `run(argument)` with all signals blocked (POSIX), so that the host's handlers keep running on its own threads.
 * `thread` must stay in place until lj_thread_join. `name` has at most 15 bytes. LJ_OK or LJ_NOMEM. */
int lj_thread_start(lj_thread *thread, const char *name, void (*run)(void *), void *argument) LJ_MUST_CHECK;
void lj_thread_join(lj_thread *thread);

#endif
