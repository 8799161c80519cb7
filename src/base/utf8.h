/* SPDX-License-Identifier: MIT
 *
 * Bytes from outside may be no UTF-8 at all; what goes on into a row or a message must be.
 */
#ifndef LJ_BASE_UTF8_H
#define LJ_BASE_UTF8_H

#include <stddef.h>

/* The bytes of the well-formed character at the start of `text` (1 to 4), or 0 when there is none. */
size_t lj_utf8_character(const char *text, size_t length);

/* Replaces, in place, every byte that belongs to no well-formed character by '?'. */
void lj_utf8_repair(char *text, size_t length);

#endif
