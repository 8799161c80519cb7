/* SPDX-License-Identifier: MIT
 *
 * Where a POSIX system has its time zones.
 */
#ifndef _WIN32

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/process.h"
#include "policy/timezone_data.h"

enum { PATH_SIZE = 1024 };

static const char *const folders[] = {"/usr/share/zoneinfo", "/usr/lib/zoneinfo", "/usr/share/lib/zoneinfo", "/etc/zoneinfo"};

/* LJ_OK, LJ_NOMEM, LJ_NOT_FOUND (no regular file), LJ_IO (it can't be read) or LJ_INVALID (it is no TZif file). */
static int load_file(const char *path, lj_zone **zone) {
  /* A pipe or a device, which might never end, is not even opened. */
  if (!lj_file_exists(path)) return LJ_NOT_FOUND;
  FILE *file = fopen(path, "rbe");
  if (file == NULL) return LJ_IO;
  /* One byte more than a file may have, which tells one that is too long. */
  unsigned char *bytes = lj_malloc(LJ_MAX_ZONE_BYTES + 1);
  int code = bytes == NULL ? LJ_NOMEM : LJ_OK;
  if (code == LJ_OK) {
    size_t length = fread(bytes, 1, LJ_MAX_ZONE_BYTES + 1, file);
    code = ferror(file) != 0 ? LJ_IO : lj_zone_read(bytes, length, zone);
  }
  lj_free(bytes);
  (void)fclose(file); /* read only: nothing can be lost */
  return code;
}

static int load_from(const char *folder, const char *name, char path[PATH_SIZE], lj_zone **zone) {
  int length = snprintf(path, PATH_SIZE, "%s/%s", folder, name);
  return length > 0 && length < PATH_SIZE ? load_file(path, zone) : LJ_NOT_FOUND;
}

/* The first folder that has the file decides. */
static int find(const char *name, char path[PATH_SIZE], lj_zone **zone) {
  const char *chosen = getenv("TZDIR");
  int code = chosen != NULL && chosen[0] != '\0' ? load_from(chosen, name, path, zone) : LJ_NOT_FOUND;
  for (size_t i = 0; i < sizeof folders / sizeof folders[0] && code == LJ_NOT_FOUND; i++)
    code = load_from(folders[i], name, path, zone);
  return code;
}

int lj_zone_load_named(const char *name, lj_zone **zone, lj_fault *fault) {
  char path[PATH_SIZE] = "";
  int code = find(name, path, zone);
  switch (code) {
    case LJ_OK:
    case LJ_NOMEM: return code;
    case LJ_NOT_FOUND:
      return lj_fault_set(fault, LJ_BAD_JOB,
                          "time zone \"%s\": this system has no file of this name; write it as in \"Europe/Berlin\" (a small "
                          "container may need the package tzdata)",
                          name);
    case LJ_IO: return lj_fault_set(fault, LJ_BAD_JOB, "time zone \"%s\": %s can't be read", name, path);
    default: return lj_fault_set(fault, LJ_BAD_JOB, "time zone \"%s\": %s is damaged or no time zone", name, path);
  }
}

static int make_from_rule(const char *text, lj_zone **zone) {
  lj_zone_rule rule;
  int code = lj_zone_rule_parse(text, strlen(text), &rule);
  if (code != LJ_OK) return code;
  *zone = lj_zone_new(0);
  if (*zone == NULL) return LJ_NOMEM;
  (*zone)->has_rule = true;
  (*zone)->rule = rule;
  return LJ_OK;
}

/* What TZ may be: "Europe/Berlin", "/a/path", either with a colon before it, or a rule. */
static int load_chosen(const char *chosen, lj_zone **zone) {
  char path[PATH_SIZE];
  const char *name = chosen[0] == ':' ? chosen + 1 : chosen;
  int code = LJ_NOT_FOUND;
  if (name[0] == '/')
    code = load_file(name, zone);
  else if (name[0] != '\0' && lj_zone_check_name(name, NULL) == LJ_OK)
    code = find(name, path, zone);
  return code == LJ_OK || code == LJ_NOMEM || chosen[0] == ':' ? code : make_from_rule(chosen, zone);
}

int lj_zone_load_local(lj_zone **zone, lj_fault *fault) {
  const char *chosen = getenv("TZ");
  int code = chosen != NULL ? load_chosen(chosen, zone) : load_file("/etc/localtime", zone);
  (void)fault; /* nothing is the job's fault here: what can't be used counts as UTC, as in every C library */
  if (code == LJ_OK || code == LJ_NOMEM) return code;
  *zone = lj_zone_new(0);
  return *zone != NULL ? LJ_OK : LJ_NOMEM;
}

#else
typedef int lj_no_posix_timezone; /* ISO C wants a declaration in every file */
#endif
