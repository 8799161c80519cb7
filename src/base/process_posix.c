/* SPDX-License-Identifier: MIT */
#ifndef _WIN32

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/process.h"

int64_t lj_process_id(void) { return (int64_t)getpid(); }

bool lj_process_alive(int64_t id) {
  pid_t pid = (pid_t)id;
  if (id <= 0 || (int64_t)pid != id) { /* 0 and negative numbers would ask about groups */
    return false;
  }
  return kill(pid, 0) == 0 || errno != ESRCH;
}

void lj_host_name(char *out, size_t size) {
  char name[256];
  if (gethostname(name, sizeof name) != 0) {
    name[0] = '\0';
  }
  name[sizeof name - 1] = '\0'; /* POSIX leaves it open whether a name that was cut is terminated */
  if (name[0] == '\0') {
    memcpy(name, "localhost", sizeof "localhost");
  }
  lj_text_copy(out, size, name, strlen(name));
}

bool lj_file_exists(const char *path) {
  struct stat about;
  return stat(path, &about) == 0 && S_ISREG(about.st_mode);
}

#else
typedef int lj_no_posix_process; /* ISO C wants a declaration in every file */
#endif
