/* SPDX-License-Identifier: MIT */
#include "queue/confine.h"

#include <string.h>

#define TABLE "llm_jobs"

static bool equals(const char *text, const char *word) { return text != NULL && strcmp(text, word) == 0; }

static bool in_list(const char *text, const char *const *list) {
  for (; *list != NULL; list++)
    if (equals(text, *list)) return true;
  return false;
}

/* Functions of our own statements, of the table's defaults and checks, and of its index expressions; then those that an app's own
 * defaults and checks of the table are likely to use. */
static const char *const functions[] = {
    "ifnull", "max",    "min",       "coalesce", "json_valid",   "strftime", "substr", "lower",  "hex",    "randomblob", "count",
    "printf", "format", "iif", "likely",       "json_extract", "json_set",  "->>",    "octet_length",
    "date",   "time",   "datetime",  "julianday", "unixepoch",   "current_timestamp", "current_date", "current_time",
    "abs",    "glob",   "instr",     "json",      "json_type",   "length",   "like",   "nullif", "random", "replace",
    "round",  "trim",   "typeof",    "upper",     NULL};
static const char *const pragmas[] = {"data_version", "synchronous", "table_info", "schema_version", NULL};
static const char *const schema_tables[] = {"sqlite_master", "sqlite_schema", "sqlite_temp_master", NULL};

static bool allows_definition(int action, const char *first, const char *second) {
  switch (action) {
    case SQLITE_CREATE_TABLE:
      return equals(first, TABLE);
    case SQLITE_CREATE_INDEX:
      return equals(second, TABLE);
    case SQLITE_ALTER_TABLE:
      return equals(second, TABLE);
    case SQLITE_REINDEX:
      return first != NULL && strncmp(first, TABLE "_", sizeof TABLE) == 0;
    case SQLITE_INSERT:
    case SQLITE_UPDATE:
      return in_list(first, schema_tables);
    case SQLITE_READ:
      return in_list(first, schema_tables) || equals(first, "pragma_quick_check");
    case SQLITE_PRAGMA:
      return equals(first, "quick_check") && equals(second, TABLE);
    case SQLITE_FUNCTION: /* ALTER TABLE reads the whole schema, with functions of its own, and compiles the app's expressions */
      return second != NULL && !equals(second, "load_extension");
    default:
      return false;
  }
}

/* Runs when a statement is compiled, never when it is stepped. `trigger` names the innermost trigger or view that asks:
 * an app's trigger on llm_jobs is the app's own doing, and refusing it would make every claim fail. SQLite gives the name of a
 * common table expression in the same place, so this is no wall against SQL of our own making, which is constant and on one page
 * (statements.c): it is a net under it. */
static int authorize(void *owner, int action, const char *first, const char *second, const char *database,
                     const char *trigger) {
  lj_store *store = owner;
  (void)database;
  if (trigger != NULL) return SQLITE_OK;
  bool allowed = false;
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_TRANSACTION:
      allowed = true;
      break;
    case SQLITE_READ:
      allowed = equals(first, TABLE) || equals(first, "pragma_table_info");
      break;
    case SQLITE_UPDATE:
    case SQLITE_INSERT:
    case SQLITE_DELETE:
      allowed = equals(first, TABLE);
      break;
    case SQLITE_FUNCTION:
      allowed = in_list(second, functions);
      break;
    case SQLITE_PRAGMA:
      allowed = in_list(first, pragmas);
      break;
    default:
      break;
  }
  if (!allowed && store->defining) allowed = allows_definition(action, first, second);
  if (!allowed)
    lj_log_write(store->log, LJ_LOG_ERROR, "database: refused action %d on %s: the worker may touch only " TABLE, action,
                 first != NULL ? first : second != NULL ? second : "?");
  return allowed ? SQLITE_OK : SQLITE_DENY;
}

int lj_confine(lj_store *store) { return lj_store_code(store, sqlite3_set_authorizer(store->db, authorize, store)); }
