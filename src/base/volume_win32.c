/* SPDX-License-Identifier: MIT */
#ifdef _WIN32

#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <string.h>
#include <wchar.h>
#include <windows.h>

#include "base/volume.h"

enum { PATH_SIZE = 4096 };

static bool wide_of(const char *text, wchar_t wide[PATH_SIZE]) {
  return MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, wide, PATH_SIZE) > 0;
}

void lj_volume_of(const char *path, lj_volume *volume) {
  wchar_t wide[PATH_SIZE];
  wchar_t root[PATH_SIZE];
  *volume = (lj_volume){.kind = LJ_VOLUME_LOCAL};
  if (!wide_of(path, wide) || !GetVolumePathNameW(wide, root, PATH_SIZE)) return;
  if (GetDriveTypeW(root) != DRIVE_REMOTE) return;
  volume->kind = LJ_VOLUME_NETWORK;
  memcpy(volume->name, "remote", sizeof "remote");
}

/* Cuts the last part off; the current folder when there is none. */
static void cut_to_folder(wchar_t wide[PATH_SIZE]) {
  size_t length = wcslen(wide);
  while (length > 0 && wide[length - 1] != L'\\' && wide[length - 1] != L'/') length--;
  if (length == 0) {
    wide[0] = L'.';
    length = 1;
  }
  wide[length] = L'\0';
}

lj_path_kind lj_path_look(const char *path) {
  wchar_t wide[PATH_SIZE];
  if (!wide_of(path, wide)) return LJ_PATH_NO_FOLDER;
  DWORD attributes = GetFileAttributesW(wide);
  if (attributes != INVALID_FILE_ATTRIBUTES) {
    if ((attributes & FILE_ATTRIBUTE_DIRECTORY) != 0) return LJ_PATH_FOLDER;
    return (attributes & FILE_ATTRIBUTE_DEVICE) != 0 ? LJ_PATH_OTHER : LJ_PATH_FILE;
  }
  if (GetLastError() == ERROR_ACCESS_DENIED) return LJ_PATH_SHUT;
  cut_to_folder(wide);
  attributes = GetFileAttributesW(wide);
  bool folder = attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0;
  return folder ? LJ_PATH_NONE : LJ_PATH_NO_FOLDER;
}

bool lj_path_writable(const char *path) {
  wchar_t wide[PATH_SIZE];
  DWORD attributes = wide_of(path, wide) ? GetFileAttributesW(wide) : INVALID_FILE_ATTRIBUTES;
  return attributes != INVALID_FILE_ATTRIBUTES && (attributes & FILE_ATTRIBUTE_READONLY) == 0;
}

/* The attribute means nothing for folders here, and their access lists tell only whoever tries. */
bool lj_path_folder_writable(const char *path) {
  (void)path;
  return true;
}

#else
typedef int lj_no_win32_volume; /* ISO C wants a declaration in every file */
#endif
