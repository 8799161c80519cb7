/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/fault.h"

enum { LINE_BYTES = 1024 };

void lj_log_write(const lj_log *log, lj_log_level level, const char *format, ...) {
  char text[LINE_BYTES + 4];
  char line[LINE_BYTES + 1];
  va_list arguments;
  int length;
  if (log == NULL || log->write == NULL || level == LJ_LOG_SILENT || level > log->level) {
    return;
  }
  va_start(arguments, format);
  length = vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  if (length < 0) {
    return;
  }
  lj_text_copy(line, sizeof line, text, strlen(text));
  log->write(log->owner, level, line);
}

const char *lj_log_level_name(lj_log_level level) {
  switch (level) {
    case LJ_LOG_ERROR: return "error";
    case LJ_LOG_WARN: return "warn";
    case LJ_LOG_INFO: return "info";
    case LJ_LOG_DEBUG: return "debug";
    case LJ_LOG_SILENT: break;
  }
  return "silent";
}
