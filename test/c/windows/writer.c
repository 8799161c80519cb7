/* SPDX-License-Identifier: MIT
 *
 * writer.exe DATABASE SQL: another process of the app, as far as the worker can tell. Ends with SQLite's code.
 */
#include <sqlite3.h>
#include <stddef.h>

int main(int argc, char **argv) {
  sqlite3 *db = NULL;
  if (argc != 3) return SQLITE_MISUSE;
  int code = sqlite3_open(argv[1], &db);
  if (code == SQLITE_OK) code = sqlite3_busy_timeout(db, 5000);
  if (code == SQLITE_OK) code = sqlite3_exec(db, argv[2], NULL, NULL, NULL);
  int closed = sqlite3_close(db);
  return code != SQLITE_OK ? code : closed;
}
