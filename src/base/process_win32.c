/* SPDX-License-Identifier: MIT */
#ifdef _WIN32

#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#ifndef PSAPI_VERSION
#define PSAPI_VERSION 2 /* K32GetProcessMemoryInfo of kernel32, so that psapi.lib is not needed */
#endif
#include <string.h>
#include <windows.h>

#include <psapi.h>

#include "base/fault.h"
#include "base/memory.h"
#include "base/process.h"

int64_t lj_process_id(void) { return (int64_t)GetCurrentProcessId(); }

bool lj_process_alive(int64_t id) {
  HANDLE process;
  DWORD waited;
  if (id <= 0 || id > (int64_t)MAXDWORD) {
    return false;
  }
  process = OpenProcess(SYNCHRONIZE, FALSE, (DWORD)id);
  if (process == NULL) { /* ERROR_INVALID_PARAMETER: no such process; anything else can't be told */
    return GetLastError() != ERROR_INVALID_PARAMETER;
  }
  /* An ended process stays openable while somebody holds a handle; its handle is signalled then. */
  waited = WaitForSingleObject(process, 0);
  (void)CloseHandle(process);
  return waited != WAIT_OBJECT_0;
}

static int64_t ms_of(FILETIME time) { /* it counts in 100 ns */
  ULARGE_INTEGER value;
  value.LowPart = time.dwLowDateTime;
  value.HighPart = time.dwHighDateTime;
  return (int64_t)(value.QuadPart / 10000);
}

void lj_process_usage(int64_t *cpu_ms, int64_t *resident_bytes) {
  FILETIME created;
  FILETIME exited;
  FILETIME kernel;
  FILETIME user;
  PROCESS_MEMORY_COUNTERS memory;
  HANDLE self = GetCurrentProcess();
  *cpu_ms = GetProcessTimes(self, &created, &exited, &kernel, &user) ? ms_of(kernel) + ms_of(user) : -1;
  *resident_bytes = K32GetProcessMemoryInfo(self, &memory, sizeof memory) ? (int64_t)memory.WorkingSetSize : -1;
}

static char *utf8_of(const wchar_t *wide) {
  int length = WideCharToMultiByte(CP_UTF8, 0, wide, -1, NULL, 0, NULL, NULL);
  char *text = length > 0 ? lj_malloc((size_t)length) : NULL;
  if (text != NULL && WideCharToMultiByte(CP_UTF8, 0, wide, -1, text, length, NULL, NULL) != length) {
    lj_free(text);
    text = NULL;
  }
  return text;
}

static wchar_t *wide_of(const char *text) {
  int length = MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, NULL, 0);
  wchar_t *wide = length > 0 ? lj_malloc((size_t)length * sizeof *wide) : NULL;
  if (wide != NULL && MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, text, -1, wide, length) != length) {
    lj_free(wide);
    wide = NULL;
  }
  return wide;
}

void lj_host_name(char *out, size_t size) {
  wchar_t wide[256];
  DWORD length = sizeof wide / sizeof wide[0];
  char *name = GetComputerNameExW(ComputerNameDnsHostname, wide, &length) ? utf8_of(wide) : NULL;
  const char *shown = name != NULL && name[0] != '\0' ? name : "localhost";
  lj_text_copy(out, size, shown, strlen(shown));
  lj_free(name);
}

bool lj_file_exists(const char *path) {
  wchar_t *wide = wide_of(path);
  DWORD attributes = wide != NULL ? GetFileAttributesW(wide) : INVALID_FILE_ATTRIBUTES;
  lj_free(wide);
  return attributes != INVALID_FILE_ATTRIBUTES &&
         (attributes & (FILE_ATTRIBUTE_DIRECTORY | FILE_ATTRIBUTE_DEVICE)) == 0;
}

#else
typedef int lj_no_win32_process; /* ISO C wants a declaration in every file */
#endif
