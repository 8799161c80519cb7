/* SPDX-License-Identifier: MIT */
#include "base/json.h"
#include "base/limits.h"
#include "queue/follow.h"

static int put_column(cJSON *item, const char *key, sqlite3_stmt *statement, int column) {
  cJSON *value = NULL;
  const char *text = (const char *)sqlite3_column_text(statement, column);
  if (text == NULL) return sqlite3_column_type(statement, column) == SQLITE_NULL ? LJ_OK : LJ_NOMEM;
  int code = lj_json_parse(text, (size_t)sqlite3_column_bytes(statement, column), &value);
  if (code == LJ_INVALID) return lj_json_put_string(item, key, text);
  return code == LJ_OK ? lj_json_put_value(item, key, value) : code;
}

int lj_children_json(lj_store *store, const char *id, cJSON **out) {
  static const char *const keys[] = {"id", "name", "status"};
  sqlite3_stmt *statement = NULL;
  size_t bytes = 0;
  cJSON *list = cJSON_CreateArray();
  int code = list != NULL ? lj_store_statement(store, LJ_SQL_CHILDREN, &statement) : LJ_NOMEM;
  if (code == LJ_OK) code = lj_store_code(store, sqlite3_bind_text(statement, 1, id, -1, SQLITE_STATIC));
  while (code == LJ_OK) {
    int rc = sqlite3_step(statement);
    code = lj_store_code(store, rc);
    if (code != LJ_OK || rc != SQLITE_ROW) break;
    bytes += (size_t)sqlite3_column_bytes(statement, 3) + (size_t)sqlite3_column_bytes(statement, 4);
    cJSON *item = bytes <= LJ_MAX_DATA_BYTES ? cJSON_CreateObject() : NULL;
    code = item != NULL ? LJ_OK : bytes <= LJ_MAX_DATA_BYTES ? LJ_NOMEM : LJ_TOO_BIG;
    for (int i = 0; code == LJ_OK && i < 3; i++) {
      const char *text = (const char *)sqlite3_column_text(statement, i);
      code = lj_json_put_string(item, keys[i], text != NULL ? text : "");
    }
    if (code == LJ_OK) code = put_column(item, "result", statement, 3);
    if (code == LJ_OK) code = put_column(item, "error", statement, 4);
    if (code == LJ_OK)
      code = lj_json_push_value(list, item);
    else
      cJSON_Delete(item);
  }
  lj_store_release(statement);
  if (code != LJ_OK) {
    cJSON_Delete(list);
    list = NULL;
  }
  *out = list;
  return code;
}
