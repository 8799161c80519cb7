/* SPDX-License-Identifier: MIT */
#include "provider/batch.h"

#include <string.h>

#include "base/json.h"

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

int lj_batch_copy_page(char out[LJ_BATCH_PAGE_SIZE], const char *page) {
  static const char digits[] = "0123456789ABCDEF";
  size_t used = 0;
  out[0] = '\0';
  for (const char *at = page; at != NULL && *at != '\0'; at++) {
    bool plain = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || (*at >= '0' && *at <= '9') || strchr("-_.~", *at) != NULL;
    if (used + 4 > LJ_BATCH_PAGE_SIZE) {
      out[0] = '\0';
      return LJ_PROTOCOL;
    }
    if (!plain) {
      out[used++] = '%';
      out[used++] = digits[(unsigned char)*at >> 4];
    }
    out[used++] = plain ? *at : digits[(unsigned char)*at & 15];
    out[used] = '\0';
  }
  return LJ_OK;
}

int lj_batch_page_behind_last(const cJSON *body, char page[LJ_BATCH_PAGE_SIZE]) {
  return lj_batch_copy_page(page, lj_json_bool(body, "has_more", false) ? lj_json_string(body, "last_id") : NULL);
}
