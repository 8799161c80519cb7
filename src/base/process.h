/* SPDX-License-Identifier: MIT
 *
 * What the engine asks about processes and files. POSIX and Win32 sides in process_posix.c and process_win32.c.
 */
#ifndef LJ_BASE_PROCESS_H
#define LJ_BASE_PROCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/result.h"

int64_t lj_process_id(void);

/* True when a process with this id runs, also when it belongs to somebody else, and when it cannot be told. A zombie does not
 * run: it can't write any more. */
bool lj_process_alive(int64_t id);

/* What this process has used since it began: processor time of all its threads, user and system, and the memory that it holds
 * now. −1: the system does not say. */
void lj_process_usage(int64_t *cpu_ms, int64_t *resident_bytes);

/* The machine's name, cut to `size` − 1 bytes, "localhost" when it has none. Never fails. */
void lj_host_name(char *out, size_t size);

/* True when a regular file exists at `path`, by stat: the file is never opened, because closing a descriptor of an open
 * SQLite file drops the process's locks on it. */
bool lj_file_exists(const char *path);

#endif
