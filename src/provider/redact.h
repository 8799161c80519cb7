/* SPDX-License-Identifier: MIT */
#ifndef LJ_PROVIDER_REDACT_H
#define LJ_PROVIDER_REDACT_H

#include <stddef.h>

/* Copies a provider's words as lj_text_copy does, with everything that looks like a key replaced by "[key]": servers repeat
 * the key that they refuse. Looks like a key: a word with a known prefix (sk-…, gsk_…), and a long word after "Bearer". */
void lj_redact(char *out, size_t size, const char *text, size_t length);

#endif
