/* SPDX-License-Identifier: MIT
 *
 * Where a file lies, and what this process may do there. WAL needs memory that all processes share, which works within one
 * machine only: on a network drive SQLite either refuses it or loses data. Nothing here opens a file of the database.
 * POSIX and Win32 sides in volume_posix.c and volume_win32.c.
 */
#ifndef LJ_BASE_VOLUME_H
#define LJ_BASE_VOLUME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum lj_volume_kind {
  LJ_VOLUME_LOCAL,   /* also when the system does not tell */
  LJ_VOLUME_NETWORK,
  LJ_VOLUME_FUSE     /* a program's file system: may be a network or cloud drive */
} lj_volume_kind;

typedef struct lj_volume {
  lj_volume_kind kind;
  char name[32];     /* "NFS", "sshfs"; "" when there is nothing to say */
} lj_volume;

typedef enum lj_path_kind {
  LJ_PATH_FILE,
  LJ_PATH_FOLDER,
  LJ_PATH_OTHER,      /* a device, a pipe, … */
  LJ_PATH_NONE,       /* its folder is there */
  LJ_PATH_NO_FOLDER,
  LJ_PATH_SHUT        /* a folder on the way can't be searched by this user */
} lj_path_kind;

void lj_volume_of(const char *path, lj_volume *volume);
lj_path_kind lj_path_look(const char *path);
/* Whether this user may write to the file or folder, as far as the system tells before one tries. */
bool lj_path_writable(const char *path);
/* As above, of the folder that holds `path`. */
bool lj_path_folder_writable(const char *path);

/* The pure parts. */

/* What Linux' statfs says (f_type). */
void lj_volume_from_type(uint32_t type, lj_volume *volume);
/* What follows "fuse." in the type of a mount. */
void lj_volume_from_fuse(const char *subtype, lj_volume *volume);
/* Reads a line of /proc/self/mountinfo: true when it is of this device and of a FUSE file system that has a subtype. */
bool lj_volume_fuse_subtype(const char *line, unsigned major, unsigned minor, char *subtype, size_t size);

#endif
