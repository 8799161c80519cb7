/* SPDX-License-Identifier: MIT
 *
 * SQLite's file layer with the Nth operation failing. It sits on the default VFS and becomes the default itself, so that
 * every connection opened while it is installed goes through it, and those opened before do not: the test's own connection
 * sees no fault. Everything may be called from any thread.
 */
#ifndef LJ_TEST_SUPPORT_FAULT_VFS_H
#define LJ_TEST_SUPPORT_FAULT_VFS_H

#include <stdbool.h>

typedef enum fault_kind {
  FAULT_FULL,        /* writes: SQLITE_FULL, nothing written */
  FAULT_IO,          /* writes, truncation, opening, mapping of shared memory: the I/O error of each */
  FAULT_SHORT_WRITE, /* writes: half of the bytes, then SQLITE_IOERR_WRITE */
  FAULT_SYNC,        /* syncs: SQLITE_IOERR_FSYNC, nothing synced */
  FAULT_KINDS
} fault_kind;

void fault_vfs_install(void);
void fault_vfs_remove(void); /* no connection may be open through it */

/* From now on counts the operations that `kind` concerns, and lets `times` of them fail from the `nth` on (1: the next one;
 * 0: none, only count). `times` 0: all until fault_vfs_disarm. */
void fault_vfs_arm(fault_kind kind, long nth, long times);
void fault_vfs_disarm(void); /* the counts stay */

long fault_vfs_count(void); /* operations that were counted since fault_vfs_arm */
long fault_vfs_hits(void);  /* those that failed */

#endif
