/* SPDX-License-Identifier: MIT
 *
 * TZif files. Each has a head and a block of data with times of 32 bits; from version 2 on the same again with 64 bits and a
 * rule for the time after the table behind it. Only the last block is read.
 */
#include <string.h>

#include "base/memory.h"
#include "policy/timezone_data.h"

enum {
  HEAD_SIZE = 44,
  TYPE_SIZE = 6,
  MAX_TYPES = 256,
  MIN_OFFSET = -89999, /* RFC 9636, 3.2: what an offset may be */
  MAX_OFFSET = 93599
};

typedef struct head {
  unsigned char version; /* 0, or the digit '2' and above */
  size_t time_size;      /* bytes of a time: 4 or 8 */
  size_t utc_flags;      /* the counts, in the order of the file */
  size_t standard_flags;
  size_t leaps;
  size_t times;
  size_t types;
  size_t characters;
} head;

static uint32_t read_32(const unsigned char *bytes) {
  return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static int32_t read_signed_32(const unsigned char *bytes) {
  uint32_t bits = read_32(bytes);
  return bits <= INT32_MAX ? (int32_t)bits : (int32_t)((int64_t)bits - ((int64_t)UINT32_MAX + 1));
}

static int64_t read_time(const unsigned char *bytes, size_t size) {
  if (size == 4) return read_signed_32(bytes);
  return (int64_t)read_signed_32(bytes) * ((int64_t)UINT32_MAX + 1) + read_32(bytes + 4);
}

/* No count may be greater than a file, so that sums and products of counts never overflow. */
static bool read_head(const unsigned char *bytes, size_t length, size_t time_size, head *out) {
  size_t *const counts[] = {&out->utc_flags, &out->standard_flags, &out->leaps, &out->times, &out->types, &out->characters};
  if (length < HEAD_SIZE || memcmp(bytes, "TZif", 4) != 0) return false;
  out->version = bytes[4];
  out->time_size = time_size;
  for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
    *counts[i] = read_32(bytes + 20 + 4 * i);
    if (*counts[i] > LJ_MAX_ZONE_BYTES) return false;
  }
  return true;
}

static size_t block_size(const head *of) {
  return of->times * (of->time_size + 1) + of->types * TYPE_SIZE + of->characters + of->leaps * (of->time_size + 4) +
         of->standard_flags + of->utc_flags;
}

/* `bytes` is a whole block: block_size() has been compared with what is there. */
static int read_block(const unsigned char *bytes, const head *of, lj_zone *zone) {
  const unsigned char *indexes = bytes + of->times * of->time_size;
  const unsigned char *types = indexes + of->times;
  for (size_t i = 0; i < of->types; i++) {
    int32_t offset = read_signed_32(types + i * TYPE_SIZE);
    if (offset < MIN_OFFSET || offset > MAX_OFFSET) return LJ_INVALID;
  }
  zone->offset = read_signed_32(types);
  zone->count = of->times;
  for (size_t i = 0; i < of->times; i++) {
    lj_zone_change *change = &zone->changes[i];
    if (indexes[i] >= of->types) return LJ_INVALID;
    change->at = read_time(bytes + i * of->time_size, of->time_size);
    change->offset = read_signed_32(types + indexes[i] * (size_t)TYPE_SIZE);
    if (i > 0 && change->at <= zone->changes[i - 1].at) return LJ_INVALID;
  }
  return LJ_OK;
}

/* "\nCET-1CEST,M3.5.0,M10.5.0/3\n"; an empty line says that nobody knows. */
static int read_footer(const unsigned char *bytes, size_t length, lj_zone *zone) {
  const unsigned char *end;
  if (length < 2 || bytes[0] != '\n') return LJ_INVALID;
  end = memchr(bytes + 1, '\n', length - 1);
  if (end == NULL) return LJ_INVALID;
  if (end == bytes + 1) return LJ_OK;
  zone->has_rule = true;
  return lj_zone_rule_parse((const char *)bytes + 1, (size_t)(end - bytes) - 1, &zone->rule);
}

int lj_zone_read(const unsigned char *bytes, size_t length, lj_zone **zone) {
  head of;
  *zone = NULL;
  if (length > LJ_MAX_ZONE_BYTES || !read_head(bytes, length, 4, &of)) return LJ_INVALID;
  size_t at = HEAD_SIZE;
  if (of.version != 0) {
    if (block_size(&of) > length - at) return LJ_INVALID;
    at += block_size(&of);
    if (!read_head(bytes + at, length - at, 8, &of) || of.version == 0) return LJ_INVALID;
    at += HEAD_SIZE;
  }
  if (of.types == 0 || of.types > MAX_TYPES || block_size(&of) > length - at) return LJ_INVALID;
  lj_zone *made = lj_zone_new(of.times);
  if (made == NULL) return LJ_NOMEM;
  int code = read_block(bytes + at, &of, made);
  at += block_size(&of);
  if (code == LJ_OK && of.version != 0) code = read_footer(bytes + at, length - at, made);
  if (code == LJ_OK)
    *zone = made;
  else
    lj_zone_free(made);
  return code;
}
