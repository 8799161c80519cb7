/* SPDX-License-Identifier: MIT */
#ifndef _WIN32

#include "base/child.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* Two conditions, because where there is no glibc there is no macro that asks for its version. */
#ifdef __GLIBC__
#if __GLIBC_PREREQ(2, 34)
#define LJ_CLOSEFROM
#endif
#endif

/* curl's sockets are not closed by exec, so everything behind the three standard files is. */
static int close_ours(posix_spawn_file_actions_t *files, short *flags) {
#if defined(__APPLE__)
  (void)files;
  *flags |= POSIX_SPAWN_CLOEXEC_DEFAULT;
  return 0;
#elif defined(LJ_CLOSEFROM)
  (void)flags;
  return posix_spawn_file_actions_addclosefrom_np(files, STDERR_FILENO + 1);
#else
  long most = sysconf(_SC_OPEN_MAX);
  int failed = 0;
  (void)flags;
  if (most < 0 || most > 4096) most = 4096;
  for (int fd = STDERR_FILENO + 1; failed == 0 && fd < (int)most; fd++)
    if (fcntl(fd, F_GETFD) >= 0) failed = posix_spawn_file_actions_addclose(files, fd);
  return failed;
#endif
}

int lj_child_start(lj_child *child, const char *const *command) {
  posix_spawn_file_actions_t files;
  posix_spawnattr_t attributes;
  sigset_t none;
  sigset_t usual;
  short flags = POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
  pid_t id = 0;
  child->id = 0;
  if (posix_spawn_file_actions_init(&files) != 0) return LJ_IO;
  if (posix_spawnattr_init(&attributes) != 0) {
    (void)posix_spawn_file_actions_destroy(&files);
    return LJ_IO;
  }
  (void)sigemptyset(&none);
  (void)sigfillset(&usual); /* what the host ignores or blocks is nothing to the server */
  int failed = close_ours(&files, &flags);
  for (int fd = 0; failed == 0 && fd <= STDERR_FILENO; fd++)
    failed = posix_spawn_file_actions_addopen(&files, fd, "/dev/null", O_RDWR, 0);
  if (failed == 0) failed = posix_spawnattr_setflags(&attributes, flags);
  if (failed == 0) failed = posix_spawnattr_setpgroup(&attributes, 0);
  if (failed == 0) failed = posix_spawnattr_setsigmask(&attributes, &none);
  if (failed == 0) failed = posix_spawnattr_setsigdefault(&attributes, &usual);
  /* POSIX wants the arguments writable, and does not write to them. */
  if (failed == 0) failed = posix_spawnp(&id, command[0], &files, &attributes, (char *const *)(uintptr_t)command, environ);
  (void)posix_spawnattr_destroy(&attributes);
  (void)posix_spawn_file_actions_destroy(&files);
  if (failed != 0) return failed == ENOENT || failed == EACCES || failed == ENOEXEC ? LJ_NOT_FOUND : LJ_IO;
  child->id = (int64_t)id;
  return LJ_OK;
}

bool lj_child_running(lj_child *child) {
  siginfo_t about = {0};
  if (child->id == 0) return false;
  int rc = waitid(P_PID, (id_t)child->id, &about, WEXITED | WNOHANG | WNOWAIT);
  if (rc == 0 && about.si_pid == 0) return true;
  if (rc != 0 && errno == EINTR) return true;
  /* The group may outlive its first process, whose id stays its own until it is waited for. */
  if (rc == 0) {
    (void)kill(-(pid_t)child->id, SIGKILL);
    (void)waitpid((pid_t)child->id, NULL, WNOHANG);
  }
  child->id = 0;
  return false;
}

void lj_child_end(lj_child *child, bool force) {
  if (child->id == 0) return;
  (void)kill(-(pid_t)child->id, force ? SIGKILL : SIGTERM);
}

#else
typedef int lj_no_posix_child; /* ISO C wants a declaration in every file */
#endif
