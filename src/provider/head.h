/* SPDX-License-Identifier: MIT
 *
 * The head of an answer: its status and those of its headers that the engine uses, whichever provider sends them.
 */
#ifndef LJ_PROVIDER_HEAD_H
#define LJ_PROVIDER_HEAD_H

#include "provider/provider.h"

/* Begins a head, also after one that was only informational. */
void lj_head_clear(lj_head *head, int status);

/* One header: its name in any case, white space around its value left out. What is longer than its place is cut. */
void lj_head_read(lj_head *head, const char *name, size_t name_length, const char *value, size_t value_length);

#endif
