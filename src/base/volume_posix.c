/* SPDX-License-Identifier: MIT */
#ifndef _WIN32

#if defined(__APPLE__)
#define _DARWIN_C_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#if defined(__linux__)
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#elif defined(__APPLE__)
#include <sys/mount.h>
#include <sys/param.h>
#endif

#include "base/fault.h"
#include "base/volume.h"

enum { PATH_SIZE = 4096, LINE_SIZE = 8192, MAX_MOUNTS = 10000 };

#if defined(__linux__)
static void ask_fuse(const char *path, lj_volume *volume) {
  struct stat about;
  char line[LINE_SIZE];
  char subtype[sizeof volume->name];
  FILE *mounts = stat(path, &about) == 0 ? fopen("/proc/self/mountinfo", "re") : NULL;
  if (mounts == NULL) return;
  for (int i = 0; i < MAX_MOUNTS && fgets(line, sizeof line, mounts) != NULL; i++)
    if (lj_volume_fuse_subtype(line, major(about.st_dev), minor(about.st_dev), subtype, sizeof subtype)) {
      lj_volume_from_fuse(subtype, volume);
      break;
    }
  (void)fclose(mounts);
}
#endif

void lj_volume_of(const char *path, lj_volume *volume) {
  *volume = (lj_volume){.kind = LJ_VOLUME_LOCAL};
#if defined(__linux__)
  struct statfs about;
  if (statfs(path, &about) != 0) return;
  lj_volume_from_type((uint32_t)about.f_type, volume); /* the type has a sign on some systems */
  if (volume->kind == LJ_VOLUME_FUSE) ask_fuse(path, volume);
#elif defined(__APPLE__)
  struct statfs about;
  if (statfs(path, &about) != 0 || (about.f_flags & MNT_LOCAL) != 0) return;
  volume->kind = LJ_VOLUME_NETWORK;
  lj_text_copy(volume->name, sizeof volume->name, about.f_fstypename, strnlen(about.f_fstypename, sizeof about.f_fstypename));
#else
  (void)path;
#endif
}

/* false: the path is longer than any that can be opened. */
static bool folder_of(const char *path, char folder[PATH_SIZE]) {
  const char *slash = strrchr(path, '/');
  size_t length = slash == NULL ? 0 : (size_t)(slash - path);
  if (length >= PATH_SIZE) return false;
  memcpy(folder, path, length);
  folder[length] = '\0';
  if (length == 0) memcpy(folder, slash == NULL ? "." : "/", 2);
  return true;
}

lj_path_kind lj_path_look(const char *path) {
  struct stat about;
  char folder[PATH_SIZE];
  if (stat(path, &about) == 0) return S_ISREG(about.st_mode) ? LJ_PATH_FILE : S_ISDIR(about.st_mode) ? LJ_PATH_FOLDER : LJ_PATH_OTHER;
  if (errno == EACCES) return LJ_PATH_SHUT;
  if (!folder_of(path, folder)) return LJ_PATH_NO_FOLDER;
  return stat(folder, &about) == 0 && S_ISDIR(about.st_mode) ? LJ_PATH_NONE : LJ_PATH_NO_FOLDER;
}

bool lj_path_writable(const char *path) { return faccessat(AT_FDCWD, path, W_OK, AT_EACCESS) == 0; }

bool lj_path_folder_writable(const char *path) {
  char folder[PATH_SIZE];
  return folder_of(path, folder) && lj_path_writable(folder);
}

#else
typedef int lj_no_posix_volume; /* ISO C wants a declaration in every file */
#endif
