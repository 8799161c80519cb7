/* SPDX-License-Identifier: MIT */
#include "base/trim.h"

#ifdef __linux__

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

enum { LINE_SIZE = 512, MAX_LINES = 200000 };

/* One mapping of /proc/self/smaps: a head line, then a line for each property. */
typedef struct mapping {
  uintptr_t start;
  uintptr_t end;
  bool is_code;    /* readable, executable, private, of a file, not writable */
  bool is_changed; /* it has pages of its own, a debugger's breakpoints say */
} mapping;

static bool read_head(const char *line, mapping *found) {
  unsigned long long start = 0;
  unsigned long long end = 0;
  unsigned long long inode = 0;
  char rights[8] = "";
  if (sscanf(line, "%llx-%llx %7s %*s %*s %llu", &start, &end, rights, &inode) != 4) return false;
  found->start = (uintptr_t)start;
  found->end = (uintptr_t)end;
  found->is_code = strcmp(rights, "r-xp") == 0 && inode != 0;
  found->is_changed = false;
  return true;
}

static void give_back(const mapping *found) {
  if (!found->is_code || found->is_changed || found->end <= found->start) return;
  /* Only a hint: the pages stay when the system refuses. */
  (void)madvise((void *)found->start, found->end - found->start, MADV_DONTNEED);
}

void lj_trim_code(void) {
  FILE *maps = fopen("/proc/self/smaps", "re");
  if (maps == NULL) return;
  char line[LINE_SIZE];
  mapping found = {0};
  mapping next = {0};
  for (int i = 0; i < MAX_LINES && fgets(line, sizeof line, maps) != NULL; i++) {
    unsigned long long kilobytes = 0;
    if (read_head(line, &next)) {
      give_back(&found);
      found = next;
    } else if (sscanf(line, "Anonymous: %llu", &kilobytes) == 1 && kilobytes > 0) {
      found.is_changed = true;
    }
  }
  if (feof(maps)) give_back(&found);
  (void)fclose(maps);
}

#else
void lj_trim_code(void) {}
#endif
