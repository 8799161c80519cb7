/* SPDX-License-Identifier: MIT
 *
 * A log line is handed to one function that the owner of the engine installs; nothing is printed by the engine itself.
 * Lines hold ids, codes and times, never a key, a prompt or an answer.
 */
#ifndef LJ_BASE_LOG_H
#define LJ_BASE_LOG_H

#include "base/result.h"

typedef enum lj_log_level { LJ_LOG_ERROR, LJ_LOG_WARN, LJ_LOG_INFO, LJ_LOG_DEBUG, LJ_LOG_SILENT = -1 } lj_log_level;

typedef struct lj_log {
  lj_log_level level; /* lines above it are dropped before they are formatted */
  void (*write)(void *owner, lj_log_level level, const char *line);
  void *owner;
} lj_log;

/* `log` may be NULL. Lines are cut at 1 KiB. */
void lj_log_write(const lj_log *log, lj_log_level level, const char *format, ...) LJ_PRINTF(3, 4);

/* "error", "warn", "info", "debug". */
const char *lj_log_level_name(lj_log_level level);

#endif
