/* SPDX-License-Identifier: MIT
 *
 * A 32-bit float as the shortest decimal text that gives the same float back, to a reader that parses it as a float and to
 * one that parses it as a double and rounds (JavaScript).
 */
#ifndef LJ_PROVIDER_FLOAT_TEXT_H
#define LJ_PROVIDER_FLOAT_TEXT_H

#include <stddef.h>

enum { LJ_FLOAT_TEXT = 24 }; /* room for any of them and the NUL */

/* Writes the text of `value`, which must be finite, as a JSON number; returns its length. */
size_t lj_float_text(float value, char out[LJ_FLOAT_TEXT]);

#endif
