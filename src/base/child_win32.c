/* SPDX-License-Identifier: MIT */
#ifdef _WIN32

#include "base/child.h"

#include <stdio.h>
#include <string.h>
#include <windows.h>

enum { MAX_COMMAND = 8192 };

/* Appends one argument as the C runtime of the started program takes it apart again. False: no room. */
static bool add_argument(wchar_t *line, size_t *used, const wchar_t *argument) {
  size_t slashes = 0;
#define PUT(character)                              \
  do {                                              \
    if (*used + 1 >= MAX_COMMAND) return false;     \
    line[(*used)++] = (character);                  \
  } while (0)
  if (*used > 0) PUT(L' ');
  PUT(L'"');
  for (; *argument != L'\0'; argument++) {
    if (*argument == L'\\') {
      slashes++;
    } else {
      /* Backslashes are only special before a quotation mark. */
      if (*argument == L'"')
        for (slashes++; slashes > 1; slashes--) PUT(L'\\');
      slashes = 0;
      if (*argument == L'"') PUT(L'\\');
    }
    PUT(*argument);
  }
  for (; slashes > 0; slashes--) PUT(L'\\');
  PUT(L'"');
#undef PUT
  return true;
}

static bool make_line(const char *const *command, wchar_t line[MAX_COMMAND]) {
  size_t used = 0;
  for (; *command != NULL; command++) {
    wchar_t argument[MAX_COMMAND];
    if (MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, *command, -1, argument, MAX_COMMAND) == 0) return false;
    if (!add_argument(line, &used, argument)) return false;
  }
  line[used] = L'\0';
  return true;
}

/* All processes of the job end when its last handle is closed, also when this process dies. */
static HANDLE make_job(void) {
  JOBOBJECT_EXTENDED_LIMIT_INFORMATION limits;
  HANDLE job = CreateJobObjectW(NULL, NULL);
  if (job == NULL) return NULL;
  memset(&limits, 0, sizeof limits);
  limits.BasicLimitInformation.LimitFlags = JOB_OBJECT_LIMIT_KILL_ON_JOB_CLOSE;
  if (SetInformationJobObject(job, JobObjectExtendedLimitInformation, &limits, sizeof limits)) return job;
  (void)CloseHandle(job);
  return NULL;
}

static bool is_no_program(DWORD error) {
  return error == ERROR_FILE_NOT_FOUND || error == ERROR_PATH_NOT_FOUND || error == ERROR_INVALID_NAME || error == ERROR_DIRECTORY ||
         error == ERROR_ACCESS_DENIED || error == ERROR_BAD_EXE_FORMAT || error == ERROR_EXE_MACHINE_TYPE_MISMATCH;
}

int lj_child_start(lj_child *child, const char *const *command) {
  static wchar_t line[MAX_COMMAND]; /* the engine's thread alone starts children */
  STARTUPINFOW startup;
  PROCESS_INFORMATION process;
  child->id = 0;
  if (!make_line(command, line)) return LJ_NOT_FOUND;
  HANDLE job = make_job();
  if (job == NULL) return LJ_IO;
  memset(&startup, 0, sizeof startup);
  startup.cb = sizeof startup;
  DWORD flags = CREATE_SUSPENDED | CREATE_NO_WINDOW | CREATE_NEW_PROCESS_GROUP;
  if (!CreateProcessW(NULL, line, NULL, NULL, FALSE, flags, NULL, NULL, &startup, &process)) {
    DWORD error = GetLastError();
    (void)CloseHandle(job);
    return is_no_program(error) ? LJ_NOT_FOUND : LJ_IO;
  }
  /* In the job before its first instruction, so that nothing it starts is left out. */
  bool inside = AssignProcessToJobObject(job, process.hProcess) && ResumeThread(process.hThread) != (DWORD)-1;
  (void)CloseHandle(process.hThread);
  if (!inside) {
    (void)TerminateProcess(process.hProcess, 1);
    (void)CloseHandle(process.hProcess);
    (void)CloseHandle(job);
    return LJ_IO;
  }
  child->id = (int64_t)process.dwProcessId;
  child->handle = job;
  child->process = process.hProcess;
  return LJ_OK;
}

bool lj_child_running(lj_child *child) {
  if (child->id == 0) return false;
  if (WaitForSingleObject(child->process, 0) == WAIT_TIMEOUT) return true;
  (void)CloseHandle(child->process);
  (void)CloseHandle(child->handle);
  memset(child, 0, sizeof *child);
  return false;
}

/* A process without a window or a console of ours can't be asked. */
void lj_child_end(lj_child *child, bool force) {
  (void)force;
  if (child->id != 0) (void)TerminateJobObject(child->handle, 1);
}

#else
typedef int lj_no_win32_child; /* ISO C wants a declaration in every file */
#endif
