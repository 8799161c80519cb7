/* SPDX-License-Identifier: MIT */
#include "provider/batch.h"

#include <string.h>

int lj_batch_copy_id(char out[LJ_BATCH_ID_SIZE], const char *id, const char *others) {
  static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
  size_t length = id != NULL ? strlen(id) : 0;
  out[0] = '\0';
  if (length == 0 || length >= LJ_BATCH_ID_SIZE) return LJ_PROTOCOL;
  for (size_t i = 0; i < length; i++)
    if (strchr(plain, id[i]) == NULL && strchr(others, id[i]) == NULL) return LJ_PROTOCOL;
  memcpy(out, id, length + 1);
  return LJ_OK;
}
