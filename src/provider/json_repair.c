/* SPDX-License-Identifier: MIT */
#include "provider/json_repair.h"

#include <string.h>

#include "base/memory.h"

enum { ESCAPE_BYTES = 6 }; /* \uXXXX */

static int hex_value(char digit) {
  if (digit >= '0' && digit <= '9') {
    return digit - '0';
  }
  if (digit >= 'a' && digit <= 'f') {
    return digit - 'a' + 10;
  }
  return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

/* The code unit of the escape at `text`, or −1. */
static long escape_at(const char *text, size_t length) {
  long unit = 0;
  size_t at;
  if (length < ESCAPE_BYTES || text[0] != '\\' || text[1] != 'u') {
    return -1;
  }
  for (at = 2; at < ESCAPE_BYTES; at++) {
    int value = hex_value(text[at]);
    if (value < 0) {
      return -1;
    }
    unit = unit * 16 + value;
  }
  return unit;
}

static bool is_high(long unit) { return unit >= 0xD800 && unit <= 0xDBFF; }

static bool is_low(long unit) { return unit >= 0xDC00 && unit <= 0xDFFF; }

/* True when something was replaced. Outside of strings there are no escapes, so strings need not be told apart. */
static bool repair(char *text, size_t length) {
  bool repaired = false;
  size_t at = 0;
  while (at < length) {
    const char *escape = memchr(text + at, '\\', length - at);
    if (escape == NULL) break;
    at = (size_t)(escape - text);
    long unit = escape_at(text + at, length - at);
    if (unit < 0) { /* another escape, as \\ or \" */
      at += 2;
      continue;
    }
    if (is_high(unit) && is_low(escape_at(text + at + ESCAPE_BYTES, length - at - ESCAPE_BYTES))) {
      at += ESCAPE_BYTES;
    } else if (unit == 0 || is_high(unit) || is_low(unit)) {
      memcpy(text + at, "\\ufffd", ESCAPE_BYTES);
      repaired = true;
    }
    at += ESCAPE_BYTES;
  }
  return repaired;
}

int lj_json_parse_repaired(const char *text, size_t length, cJSON **out) {
  int rc = lj_json_parse(text, length, out);
  char *copy;
  if (rc != LJ_INVALID || length == 0 || (text[0] != '{' && text[0] != '[')) {
    return rc;
  }
  copy = lj_strndup(text, length);
  if (copy == NULL) {
    return LJ_NOMEM;
  }
  if (repair(copy, length)) {
    rc = lj_json_parse(copy, length, out);
  }
  lj_free(copy);
  return rc;
}
