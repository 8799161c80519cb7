/* SPDX-License-Identifier: MIT */
#ifndef _WIN32

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/fault.h"
#include "base/process.h"

int64_t lj_process_id(void) { return (int64_t)getpid(); }

/* A process that has ended but that its parent has not asked about yet still answers kill(); in a container without an init
 * it may do so for ever. */
static bool is_zombie(int64_t id) {
  bool zombie = false;
#ifdef __linux__
  char path[64];
  char line[512];
  (void)snprintf(path, sizeof path, "/proc/%lld/stat", (long long)id);
  FILE *file = fopen(path, "re");
  if (file == NULL) {
    return false;
  }
  if (fgets(line, sizeof line, file) != NULL) {
    /* "pid (name) state …": the name may hold anything, so the last parenthesis ends it. */
    const char *end = strrchr(line, ')');
    zombie = end != NULL && end[1] == ' ' && (end[2] == 'Z' || end[2] == 'X');
  }
  (void)fclose(file);
#else
  (void)id;
#endif
  return zombie;
}

bool lj_process_alive(int64_t id) {
  pid_t pid = (pid_t)id;
  if (id <= 0 || (int64_t)pid != id) { /* 0 and negative numbers would ask about groups */
    return false;
  }
  if (kill(pid, 0) != 0 && errno == ESRCH) {
    return false;
  }
  return !is_zombie(id);
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
