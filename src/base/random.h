/* SPDX-License-Identifier: MIT */
#ifndef LJ_BASE_RANDOM_H
#define LJ_BASE_RANDOM_H

#include <stddef.h>

#include "base/result.h"

/* Writes `bytes` random bytes from the system as 2·bytes lower-case hexadecimal digits and a NUL. LJ_OK or LJ_IO. */
int lj_random_hex(char *out, size_t bytes) LJ_MUST_CHECK;

/* A number in [0, 1) for jitter: not for secrets. Each thread has its own state, seeded from the system. */
double lj_random_unit(void);

#endif
