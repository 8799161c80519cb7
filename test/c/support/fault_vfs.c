/* SPDX-License-Identifier: MIT */
#include "support/fault_vfs.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>

enum { WRITE = 1, SYNC = 2, TRUNCATE = 4, OPEN = 8, MAP = 16 };

static const unsigned concerned[FAULT_KINDS] = {
    [FAULT_FULL] = WRITE,
    [FAULT_IO] = WRITE | TRUNCATE | OPEN | MAP,
    [FAULT_SHORT_WRITE] = WRITE,
    [FAULT_SYNC] = SYNC,
};

typedef struct fault_file {
  sqlite3_file base;
  sqlite3_file *real; /* in the same block, right behind */
} fault_file;

static sqlite3_vfs *beneath;
static sqlite3_vfs shim;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* guards what follows */
static bool armed;
static fault_kind chosen;
static long first;
static long last; /* 0: no last one */
static long count;
static long hits;

/* Counts one operation; true when it is to fail. */
static bool fails(unsigned what, fault_kind *kind) {
  bool result = false;
  (void)pthread_mutex_lock(&lock);
  if (armed && (concerned[chosen] & what) != 0) {
    count++;
    result = first > 0 && count >= first && (last == 0 || count <= last);
    if (result) hits++;
    *kind = chosen;
  }
  (void)pthread_mutex_unlock(&lock);
  return result;
}

#define REAL(file) (((fault_file *)(file))->real)

static int shim_close(sqlite3_file *file) { return REAL(file)->pMethods->xClose(REAL(file)); }

static int shim_read(sqlite3_file *file, void *bytes, int length, sqlite3_int64 offset) {
  return REAL(file)->pMethods->xRead(REAL(file), bytes, length, offset);
}

static int shim_write(sqlite3_file *file, const void *bytes, int length, sqlite3_int64 offset) {
  fault_kind kind = FAULT_FULL;
  if (!fails(WRITE, &kind)) return REAL(file)->pMethods->xWrite(REAL(file), bytes, length, offset);
  if (kind == FAULT_FULL) return SQLITE_FULL;
  if (kind == FAULT_SHORT_WRITE) (void)REAL(file)->pMethods->xWrite(REAL(file), bytes, length / 2, offset);
  return SQLITE_IOERR_WRITE;
}

static int shim_truncate(sqlite3_file *file, sqlite3_int64 size) {
  fault_kind kind;
  return fails(TRUNCATE, &kind) ? SQLITE_IOERR_TRUNCATE : REAL(file)->pMethods->xTruncate(REAL(file), size);
}

static int shim_sync(sqlite3_file *file, int flags) {
  fault_kind kind;
  return fails(SYNC, &kind) ? SQLITE_IOERR_FSYNC : REAL(file)->pMethods->xSync(REAL(file), flags);
}

static int shim_size(sqlite3_file *file, sqlite3_int64 *size) { return REAL(file)->pMethods->xFileSize(REAL(file), size); }
static int shim_lock(sqlite3_file *file, int level) { return REAL(file)->pMethods->xLock(REAL(file), level); }
static int shim_unlock(sqlite3_file *file, int level) { return REAL(file)->pMethods->xUnlock(REAL(file), level); }
static int shim_reserved(sqlite3_file *file, int *out) { return REAL(file)->pMethods->xCheckReservedLock(REAL(file), out); }
static int shim_control(sqlite3_file *file, int op, void *arg) { return REAL(file)->pMethods->xFileControl(REAL(file), op, arg); }
static int shim_sector(sqlite3_file *file) { return REAL(file)->pMethods->xSectorSize(REAL(file)); }
static int shim_device(sqlite3_file *file) { return REAL(file)->pMethods->xDeviceCharacteristics(REAL(file)); }

static int shim_shm_map(sqlite3_file *file, int page, int size, int extend, void volatile **out) {
  fault_kind kind;
  if (fails(MAP, &kind)) {
    *out = NULL;
    return SQLITE_IOERR_SHMMAP;
  }
  return REAL(file)->pMethods->xShmMap(REAL(file), page, size, extend, out);
}

static int shim_shm_lock(sqlite3_file *file, int offset, int n, int flags) {
  return REAL(file)->pMethods->xShmLock(REAL(file), offset, n, flags);
}
static void shim_shm_barrier(sqlite3_file *file) { REAL(file)->pMethods->xShmBarrier(REAL(file)); }
static int shim_shm_unmap(sqlite3_file *file, int remove) { return REAL(file)->pMethods->xShmUnmap(REAL(file), remove); }

static int shim_fetch(sqlite3_file *file, sqlite3_int64 offset, int length, void **out) {
  return REAL(file)->pMethods->xFetch(REAL(file), offset, length, out);
}
static int shim_unfetch(sqlite3_file *file, sqlite3_int64 offset, void *page) {
  return REAL(file)->pMethods->xUnfetch(REAL(file), offset, page);
}

static const sqlite3_io_methods methods = {
    .iVersion = 3,
    .xClose = shim_close,
    .xRead = shim_read,
    .xWrite = shim_write,
    .xTruncate = shim_truncate,
    .xSync = shim_sync,
    .xFileSize = shim_size,
    .xLock = shim_lock,
    .xUnlock = shim_unlock,
    .xCheckReservedLock = shim_reserved,
    .xFileControl = shim_control,
    .xSectorSize = shim_sector,
    .xDeviceCharacteristics = shim_device,
    .xShmMap = shim_shm_map,
    .xShmLock = shim_shm_lock,
    .xShmBarrier = shim_shm_barrier,
    .xShmUnmap = shim_shm_unmap,
    .xFetch = shim_fetch,
    .xUnfetch = shim_unfetch,
};

static int shim_open(sqlite3_vfs *vfs, sqlite3_filename name, sqlite3_file *file, int flags, int *out_flags) {
  fault_file *own = (fault_file *)file;
  fault_kind kind;
  (void)vfs;
  own->base.pMethods = NULL;
  if (fails(OPEN, &kind)) return SQLITE_CANTOPEN;
  own->real = (sqlite3_file *)(own + 1);
  int rc = beneath->xOpen(beneath, name, own->real, flags, out_flags);
  if (own->real->pMethods != NULL) own->base.pMethods = &methods;
  return rc;
}

void fault_vfs_install(void) {
  beneath = sqlite3_vfs_find(NULL);
  if (beneath == NULL) abort();
  /* All but opening is the same: the file system's own functions, which find their data in the copied pAppData. */
  shim = *beneath;
  shim.zName = "fault";
  shim.pNext = NULL;
  shim.szOsFile = (int)sizeof(fault_file) + beneath->szOsFile;
  shim.xOpen = shim_open;
  if (sqlite3_vfs_register(&shim, 1) != SQLITE_OK) abort();
}

void fault_vfs_remove(void) {
  fault_vfs_disarm();
  if (sqlite3_vfs_unregister(&shim) != SQLITE_OK || sqlite3_vfs_register(beneath, 1) != SQLITE_OK) abort();
}

void fault_vfs_arm(fault_kind kind, long nth, long times) {
  (void)pthread_mutex_lock(&lock);
  armed = true;
  chosen = kind;
  first = nth;
  last = times > 0 ? nth + times - 1 : 0;
  count = 0;
  hits = 0;
  (void)pthread_mutex_unlock(&lock);
}

void fault_vfs_disarm(void) {
  (void)pthread_mutex_lock(&lock);
  armed = false;
  (void)pthread_mutex_unlock(&lock);
}

static long read_number(const long *number) {
  (void)pthread_mutex_lock(&lock);
  long value = *number;
  (void)pthread_mutex_unlock(&lock);
  return value;
}

long fault_vfs_count(void) { return read_number(&count); }
long fault_vfs_hits(void) { return read_number(&hits); }
