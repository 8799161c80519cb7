/* SPDX-License-Identifier: MIT */
#ifndef _WIN32

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>
#ifdef __APPLE__
#include <mach/mach.h>
#endif

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

static int64_t resident_bytes_now(void) {
  int64_t bytes = -1;
#ifdef __linux__
  /* Its second number is the resident pages. */
  FILE *file = fopen("/proc/self/statm", "re");
  int64_t pages = 0;
  long page_bytes = sysconf(_SC_PAGESIZE);
  if (file == NULL) {
    return -1;
  }
  if (fscanf(file, "%*s %" SCNd64, &pages) == 1 && page_bytes > 0) {
    bytes = pages * page_bytes;
  }
  (void)fclose(file);
#elif defined(__APPLE__)
  struct mach_task_basic_info about;
  mach_msg_type_number_t count = MACH_TASK_BASIC_INFO_COUNT;
  if (task_info(mach_task_self(), MACH_TASK_BASIC_INFO, (task_info_t)&about, &count) == KERN_SUCCESS) {
    bytes = (int64_t)about.resident_size;
  }
#endif
  return bytes;
}

static int64_t ms_of(struct timeval time) { return (int64_t)time.tv_sec * 1000 + (int64_t)time.tv_usec / 1000; }

void lj_process_usage(int64_t *cpu_ms, int64_t *resident_bytes) {
  struct rusage used;
  *cpu_ms = getrusage(RUSAGE_SELF, &used) == 0 ? ms_of(used.ru_utime) + ms_of(used.ru_stime) : -1;
  *resident_bytes = resident_bytes_now();
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
