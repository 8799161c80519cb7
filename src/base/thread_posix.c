/* SPDX-License-Identifier: MIT */
#ifndef _WIN32

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/fault.h"
#include "base/thread.h"

/* musl gives a thread 128 KiB, macOS 512 KiB; OpenSSL and SQLite on one stack want more than the former. */
enum { STACK_BYTES = 1048576 };

int lj_mutex_init(lj_mutex *mutex) { return pthread_mutex_init(&mutex->lock, NULL) == 0 ? LJ_OK : LJ_NOMEM; }

void lj_mutex_destroy(lj_mutex *mutex) { (void)pthread_mutex_destroy(&mutex->lock); }

void lj_mutex_lock(lj_mutex *mutex) {
  if (pthread_mutex_lock(&mutex->lock) != 0) {
    abort();
  }
}

void lj_mutex_unlock(lj_mutex *mutex) {
  if (pthread_mutex_unlock(&mutex->lock) != 0) {
    abort();
  }
}

static void *start(void *owner) {
  lj_thread *thread = owner;
#if defined(__APPLE__)
  (void)pthread_setname_np(thread->name); /* a name is a courtesy to whoever debugs */
#elif defined(__linux__)
  (void)pthread_setname_np(pthread_self(), thread->name);
#endif
  thread->run(thread->argument);
  return NULL;
}

int lj_thread_start(lj_thread *thread, const char *name, void (*run)(void *), void *argument) {
  pthread_attr_t attributes;
  sigset_t all;
  sigset_t before;
  int rc;
  thread->run = run;
  thread->argument = argument;
  lj_text_copy(thread->name, sizeof thread->name, name, strlen(name));
  if (pthread_attr_init(&attributes) != 0) {
    return LJ_NOMEM;
  }
  (void)pthread_attr_setstacksize(&attributes, STACK_BYTES); /* refused: the system's default is used */
  /* The new thread inherits the mask, so there is no moment in which a signal could reach it. */
  (void)sigfillset(&all);
  rc = pthread_sigmask(SIG_SETMASK, &all, &before);
  if (rc == 0) {
    rc = pthread_create(&thread->handle, &attributes, start, thread);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
  }
  (void)pthread_attr_destroy(&attributes);
  return rc == 0 ? LJ_OK : LJ_NOMEM;
}

void lj_thread_join(lj_thread *thread) {
  if (pthread_join(thread->handle, NULL) != 0) {
    abort();
  }
}

#else
typedef int lj_no_posix_thread; /* ISO C wants a declaration in every file */
#endif
