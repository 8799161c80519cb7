/* SPDX-License-Identifier: MIT */
#include "queue/unusable.h"

#include "base/volume.h"

int lj_unusable_path(const char *path, const lj_log *log, lj_fault *fault) {
  lj_volume volume;
  switch (lj_path_look(path)) {
    case LJ_PATH_FILE:
      break;
    case LJ_PATH_FOLDER:
      return lj_fault_set(fault, LJ_BAD_CONFIG, "database: %s is a folder; name the SQLite file in it", path);
    case LJ_PATH_OTHER:
      return lj_fault_set(fault, LJ_BAD_CONFIG, "database: %s is no regular file; name the app's SQLite file", path);
    case LJ_PATH_SHUT:
      return lj_fault_set(fault, LJ_BAD_CONFIG,
                          "database: this user may not look into the folder of %s; run the worker as the user of the app, or correct the permissions",
                          path);
    case LJ_PATH_NO_FOLDER:
      return lj_fault_set(fault, LJ_BAD_CONFIG, "database: there is no file %s, and no folder that it could be in; correct the path", path);
    case LJ_PATH_NONE:
      return lj_fault_set(fault, LJ_BAD_CONFIG,
                          "database: there is no file %s; open it in the app first (new Queue(db) creates the table), then start the worker", path);
  }
  lj_volume_of(path, &volume);
  if (volume.kind == LJ_VOLUME_NETWORK)
    return lj_fault_set(fault, LJ_DB_NETWORK,
                        "database: %s lies on a network drive (%s); move the database to a disk of this machine: WAL does not work across "
                        "machines",
                        path, volume.name);
  if (volume.kind == LJ_VOLUME_FUSE)
    lj_log_write(log, LJ_LOG_WARN,
                 "database: %s lies on a FUSE drive (%s), which may be a network or cloud drive; if it is, move the database to a disk of this "
                 "machine: WAL does not work across machines",
                 path, volume.name);
  return LJ_OK;
}

static int explain_rights(const char *path, const char *words, lj_fault *fault) {
  if (!lj_path_writable(path))
    return lj_fault_set(fault, LJ_DB_READONLY,
                        "database: %s can't be written by this user; run the worker as the user of the app, or correct the permissions", path);
  if (!lj_path_folder_writable(path))
    return lj_fault_set(fault, LJ_DB_READONLY,
                        "database: the folder of %s can't be written by this user, but SQLite keeps two files (-wal, -shm) beside the database; "
                        "run the worker as the user of the app, or correct the permissions",
                        path);
  return lj_fault_set(fault, LJ_DB_READONLY,
                      "database: %s can't be written (%s); correct the permissions of the file, its folder and the files -wal and -shm beside it, "
                      "or let go of the read-only drive",
                      path, words);
}

int lj_unusable_explain(const char *path, int sqlite_code, const char *words, lj_fault *fault) {
  if (words == NULL) words = sqlite3_errstr(sqlite_code);
  switch (sqlite_code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return LJ_BUSY;
    case SQLITE_NOMEM:
      return LJ_NOMEM;
    case SQLITE_NOTADB:
      return lj_fault_set(fault, LJ_DB_ENCRYPTED,
                          "database: %s is encrypted or is no SQLite file; this worker reads plain SQLite files only", path);
    case SQLITE_CORRUPT:
      return lj_fault_set(fault, LJ_DB_CORRUPT,
                          "database: %s is damaged (%s); restore a backup, or save what can be read with the command .recover of the program "
                          "sqlite3",
                          path, words);
    case SQLITE_READONLY:
    case SQLITE_PERM:
      return explain_rights(path, words, fault);
    case SQLITE_CANTOPEN:
      if (!lj_path_writable(path) || !lj_path_folder_writable(path)) return explain_rights(path, words, fault);
      return lj_fault_set(fault, LJ_DB_ERROR,
                          "database: %s, or the files -wal and -shm beside it, can't be opened (%s); correct their permissions, and let the "
                          "system allow more open files if it has run out of them",
                          path, words);
    case SQLITE_FULL:
      return lj_fault_set(fault, LJ_DB_ERROR, "database: the disk of %s is full; free some space", path);
    case SQLITE_IOERR:
      return lj_fault_set(fault, LJ_DB_ERROR,
                          "database: the disk of %s fails (%s, code %d); look at the disk and the system's log, and free some space if it is full",
                          path, words, sqlite_code);
    default:
      return lj_fault_set(fault, LJ_DB_ERROR, "database: %s can't be used: %s (code %d)", path, words, sqlite_code);
  }
}
