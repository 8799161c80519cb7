/* SPDX-License-Identifier: MIT */
#include "queue/shape.h"
#include "base/ascii.h"

#include <string.h>

/* One token of SQL: a word, a quoted name, a text, or a single character. */
typedef struct token {
  const char *start; /* without quotes */
  size_t length;
  char kind; /* 'w' word or name, 't' text, else the character itself; 0 at the end */
} token;

static bool is_word(char c) {
  return lj_ascii_is_alphanumeric(c) || c == '_' || (unsigned char)c >= 0x80;
}

static const char *skip_space(const char *at) {
  for (;;) {
    if (*at == ' ' || *at == '\t' || *at == '\n' || *at == '\r' || *at == '\f') {
      at++;
    } else if (at[0] == '-' && at[1] == '-') {
      while (*at != '\0' && *at != '\n') at++;
    } else if (at[0] == '/' && at[1] == '*') {
      const char *end = strstr(at + 2, "*/");
      at = end != NULL ? end + 2 : at + strlen(at);
    } else {
      return at;
    }
  }
}

/* Returns where the next token begins. A doubled quote inside quotes splits a text in two, which no status has. */
static const char *next_token(const char *at, token *out) {
  at = skip_space(at);
  *out = (token){at, 1, *at};
  if (*at == '\0') return at;
  if (is_word(*at)) {
    while (is_word(*at)) at++;
    out->kind = 'w';
    out->length = (size_t)(at - out->start);
    return at;
  }
  if (*at == '\'' || *at == '"' || *at == '`' || *at == '[') {
    char close = *at == '[' ? ']' : *at;
    const char *end = strchr(at + 1, close);
    out->kind = *at == '\'' ? 't' : 'w';
    out->start = at + 1;
    out->length = end != NULL ? (size_t)(end - at - 1) : strlen(at + 1);
    return end != NULL ? end + 1 : at + strlen(at);
  }
  return at + 1;
}

static bool is_keyword(const token *part, const char *word) {
  return part->kind == 'w' && part->length == strlen(word) && sqlite3_strnicmp(part->start, word, (int)part->length) == 0;
}

static bool is_text(const token *part, const char *text) {
  return part->kind == 't' && part->length == strlen(text) && memcmp(part->start, text, part->length) == 0;
}

void lj_shape_read_checks(const char *sql, lj_shape *shape) {
  token part = {0};
  bool after_check = false;
  const char *at = sql;
  while (at = next_token(at, &part), part.kind != '\0') {
    if (!after_check || part.kind != '(') {
      after_check = is_keyword(&part, "check");
      continue;
    }
    bool status = false, completed = false, cancelled = false, children = false;
    for (int depth = 1; depth > 0;) {
      at = next_token(at, &part);
      if (part.kind == '\0') break;
      if (part.kind == '(') depth++;
      if (part.kind == ')') depth--;
      status = status || is_keyword(&part, "status");
      completed = completed || is_text(&part, "completed");
      cancelled = cancelled || is_text(&part, "cancelled");
      children = children || is_text(&part, "waiting-children");
    }
    after_check = false;
    /* A check that lists the states; any other has nothing to do with them. */
    if (!status || !completed) continue;
    shape->lacks_cancelled = shape->lacks_cancelled || !cancelled;
    shape->lacks_waiting_children = shape->lacks_waiting_children || !children;
  }
}

static int read_schema_version(lj_store *store, int64_t *version) {
  sqlite3_stmt *statement = NULL;
  int code = lj_store_statement(store, LJ_SQL_SCHEMA_VERSION, &statement);
  if (code != LJ_OK) return code;
  int rc = sqlite3_step(statement);
  code = lj_store_code(store, rc);
  if (code == LJ_OK && rc == SQLITE_ROW) *version = sqlite3_column_int64(statement, 0);
  lj_store_release(statement);
  return code;
}

static int read_table(lj_store *store, lj_shape *shape) {
  sqlite3_stmt *statement = NULL;
  int rc = sqlite3_prepare_v2(store->db,
                              "SELECT sql, EXISTS (SELECT 1 FROM pragma_table_info('llm_jobs') WHERE name = 'delay'), "
                              "NOT EXISTS (SELECT 1 FROM pragma_table_info('llm_jobs') WHERE pk > 0 AND lower(type) = 'integer') "
                              "FROM sqlite_master WHERE type = 'table' AND name = 'llm_jobs'",
                              -1, &statement, NULL);
  if (rc == SQLITE_OK) rc = sqlite3_step(statement);
  if (rc == SQLITE_ROW) {
    const char *sql = (const char *)sqlite3_column_text(statement, 0);
    if (sql != NULL)
      lj_shape_read_checks(sql, shape);
    else
      rc = SQLITE_NOMEM;
    shape->has_delay = sqlite3_column_int(statement, 1) != 0;
    shape->renumbers = sqlite3_column_int(statement, 2) != 0;
  }
  (void)sqlite3_finalize(statement);
  return lj_store_code(store, rc);
}

int lj_shape_read(lj_store *store) {
  lj_shape shape = {0};
  int64_t version = 0;
  bool defining = store->defining;
  store->defining = true;
  int code = read_schema_version(store, &version);
  if (code == LJ_OK) code = read_table(store, &shape);
  store->defining = defining;
  if (code != LJ_OK) return code;
  if (shape.lacks_cancelled && !store->shape.lacks_cancelled)
    lj_log_write(store->log, LJ_LOG_WARN, "database: the CHECK on llm_jobs.status has no 'cancelled': such ends are written as "
                                          "'failed' with their code; docs/table.md tells how to rebuild the table");
  if (shape.lacks_waiting_children && !store->shape.lacks_waiting_children)
    lj_log_write(store->log, LJ_LOG_WARN, "database: DB_SCHEMA: the CHECK on llm_jobs.status has no 'waiting-children': parents stay "
                                          "'waiting' until their children have ended; docs/table.md tells how to rebuild the table");
  store->shape = shape;
  store->schema_version = version;
  return LJ_OK;
}

int lj_shape_renew(lj_store *store) {
  int64_t version = 0;
  int code = read_schema_version(store, &version);
  return code == LJ_OK && version != store->schema_version ? lj_shape_read(store) : code;
}

lj_status lj_shape_status(const lj_store *store, lj_status status) {
  return status == LJ_STATUS_CANCELLED && store->shape.lacks_cancelled ? LJ_STATUS_FAILED : status;
}
