/* SPDX-License-Identifier: MIT */
#ifdef _WIN32

#include <process.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/thread.h"

/* As on POSIX; otherwise the program that loaded us would say how much. */
enum { STACK_BYTES = 1048576 };

int lj_mutex_init(lj_mutex *mutex) {
  InitializeSRWLock(&mutex->lock);
  return LJ_OK;
}

void lj_mutex_destroy(lj_mutex *mutex) { (void)mutex; /* an SRW lock holds nothing */ }

void lj_mutex_lock(lj_mutex *mutex) { AcquireSRWLockExclusive(&mutex->lock); }

void lj_mutex_unlock(lj_mutex *mutex) { ReleaseSRWLockExclusive(&mutex->lock); }

/* The name is not given to the system: SetThreadDescription is missing before Windows 10 1607. */
static unsigned __stdcall start(void *owner) {
  lj_thread *thread = owner;
  thread->run(thread->argument);
  return 0;
}

int lj_thread_start(lj_thread *thread, const char *name, void (*run)(void *), void *argument) {
  uintptr_t handle;
  thread->run = run;
  thread->argument = argument;
  lj_text_copy(thread->name, sizeof thread->name, name, strlen(name));
  handle = _beginthreadex(NULL, STACK_BYTES, start, thread, STACK_SIZE_PARAM_IS_A_RESERVATION, NULL);
  if (handle == 0) {
    return LJ_NOMEM;
  }
  thread->handle = (HANDLE)handle;
  return LJ_OK;
}

void lj_thread_join(lj_thread *thread) {
  if (WaitForSingleObject(thread->handle, INFINITE) != WAIT_OBJECT_0) {
    abort();
  }
  (void)CloseHandle(thread->handle);
}

#else
typedef int lj_no_win32_thread; /* ISO C wants a declaration in every file */
#endif
