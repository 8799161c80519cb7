/* SPDX-License-Identifier: MIT
 *
 * Questions about single bytes, answered the same in every locale. Bytes of 0x80 and above are never letters.
 */
#ifndef LJ_BASE_ASCII_H
#define LJ_BASE_ASCII_H

#include <stdbool.h>

static inline char lj_ascii_lower(char byte) { return byte >= 'A' && byte <= 'Z' ? (char)(byte - 'A' + 'a') : byte; }

static inline bool lj_ascii_is_letter(char byte) { return lj_ascii_lower(byte) >= 'a' && lj_ascii_lower(byte) <= 'z'; }

static inline bool lj_ascii_is_digit(char byte) { return byte >= '0' && byte <= '9'; }

static inline bool lj_ascii_is_alphanumeric(char byte) { return lj_ascii_is_letter(byte) || lj_ascii_is_digit(byte); }

/* Whether two texts are the same but for the case of their letters. */
static inline bool lj_ascii_same(const char *a, const char *b) {
  while (*a != '\0' && lj_ascii_lower(*a) == lj_ascii_lower(*b)) {
    a++;
    b++;
  }
  return lj_ascii_lower(*a) == lj_ascii_lower(*b);
}

#endif
