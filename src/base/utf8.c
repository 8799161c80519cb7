/* SPDX-License-Identifier: MIT */
#include "base/utf8.h"

#include <stdint.h>
#include <string.h>

/* Table 3-7 of the Unicode standard: by first byte, the length and the range of the second byte. It excludes overlong
 * forms, surrogates and what lies above U+10FFFF. */
static const struct {
  unsigned char first_low, first_high, second_low, second_high;
  size_t length;
} forms[] = {
    {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3}, {0xE1, 0xEC, 0x80, 0xBF, 3}, {0xED, 0xED, 0x80, 0x9F, 3},
    {0xEE, 0xEF, 0x80, 0xBF, 3}, {0xF0, 0xF0, 0x90, 0xBF, 4}, {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
};

size_t lj_utf8_character(const char *text, size_t length) {
  const unsigned char *bytes = (const unsigned char *)text;
  size_t form;
  size_t at;
  if (length == 0) {
    return 0;
  }
  if (bytes[0] < 0x80) {
    return 1;
  }
  for (form = 0; form < sizeof forms / sizeof forms[0]; form++) {
    if (bytes[0] < forms[form].first_low || bytes[0] > forms[form].first_high) {
      continue;
    }
    if (length < forms[form].length || bytes[1] < forms[form].second_low || bytes[1] > forms[form].second_high) {
      return 0;
    }
    for (at = 2; at < forms[form].length; at++) {
      if (bytes[at] < 0x80 || bytes[at] > 0xBF) {
        return 0;
      }
    }
    return forms[form].length;
  }
  return 0;
}

/* How many bytes from here on are ASCII, eight looked at in one step. */
static size_t ascii_length(const char *text, size_t length) {
  size_t at = 0;
  for (uint64_t eight; length - at >= sizeof eight; at += sizeof eight) {
    memcpy(&eight, text + at, sizeof eight);
    if ((eight & UINT64_C(0x8080808080808080)) != 0) break;
  }
  while (at < length && (unsigned char)text[at] < 0x80) at++;
  return at;
}

void lj_utf8_repair(char *text, size_t length) {
  size_t at = 0;
  while (at < length) {
    at += ascii_length(text + at, length - at);
    if (at == length) return;
    size_t size = lj_utf8_character(text + at, length - at);
    if (size == 0) {
      text[at] = '?';
      size = 1;
    }
    at += size;
  }
}
