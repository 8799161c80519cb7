/* SPDX-License-Identifier: MIT
 *
 * Files of time zones (TZif, RFC 9636) as a test makes them: two types, an hour east and two hours. And instants as ISO 8601
 * writes them.
 */
#ifndef LJ_TEST_SUPPORT_ZONE_FILE_H
#define LJ_TEST_SUPPORT_ZONE_FILE_H

#include "policy/calendar.h"
#include "policy/timezone_data.h"
#include "support/test.h"

enum { ZONE_FILE_SIZE = 2048 };

typedef struct zone_file {
  unsigned char data[ZONE_FILE_SIZE];
  size_t length;
} zone_file;

static inline void put(zone_file *out, int64_t number, size_t size) {
  for (size_t i = size; i-- > 0;) out->data[out->length++] = (unsigned char)((uint64_t)number >> (8 * i));
}

static inline void put_text(zone_file *out, const char *text) {
  memcpy(out->data + out->length, text, strlen(text));
  out->length += strlen(text);
}

/* Two types: an hour east, and two hours; `times` alternate between them, with a leap second and both lists of flags. */
static inline void put_block(zone_file *out, char version, size_t size, const int64_t *times, size_t count) {
  static const int32_t offsets[] = {3600, 7200};
  put_text(out, "TZif");
  put(out, version == '1' ? 0 : version, 1);
  for (size_t i = 0; i < 15; i++) put(out, 0, 1);
  put(out, 2, 4);
  put(out, 2, 4);
  put(out, 1, 4);
  put(out, (int64_t)count, 4);
  put(out, 2, 4);
  put(out, 4, 4);
  for (size_t i = 0; i < count; i++) put(out, times[i], size);
  for (size_t i = 0; i < count; i++) put(out, i % 2 == 0 ? 1 : 0, 1);
  for (size_t i = 0; i < 2; i++) {
    put(out, offsets[i], 4);
    put(out, (int64_t)i, 1);
    put(out, 0, 1);
  }
  put_text(out, "CET");
  put(out, 0, 1);
  put(out, 78796800, size);
  put(out, 1, 4);
  put(out, 0, 4);
}

static const int64_t table[] = {1000000, 2000000, 3000000};

/* From version 2 on the first block is empty of sense: its times must not be used. */
static inline void make_file(zone_file *out, char version, const char *footer) {
  static const int64_t wrong[] = {5};
  out->length = 0;
  if (version == '1') {
    put_block(out, '1', 4, table, COUNT_OF(table));
    return;
  }
  put_block(out, version, 4, wrong, 1);
  put_block(out, version, 8, table, COUNT_OF(table));
  put_text(out, footer);
}

/* "2026-03-29T01:00:00Z" in Unix seconds. */
static inline int64_t seconds_of(const char *iso) {
  int year;
  int month;
  int day;
  int hour;
  int minute;
  int second;
  assert_int_equal(sscanf(iso, "%d-%d-%dT%d:%d:%dZ", &year, &month, &day, &hour, &minute, &second), 6);
  return lj_days_of(year, month, day) * LJ_DAY_SECONDS + (hour * 60 + minute) * 60 + second;
}

#endif
