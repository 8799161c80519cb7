/* SPDX-License-Identifier: MIT */
#ifndef LJ_BASE_RANDOM_H
#define LJ_BASE_RANDOM_H

#include <stddef.h>

#include "base/result.h"

/* Writes `bytes` random bytes from the system as 2·bytes lower-case hexadecimal digits and a NUL. LJ_OK or LJ_IO. */
int lj_random_hex(char *out, size_t bytes) LJ_MUST_CHECK;

/* For several texts in a row, as rows get their tokens: one call of the system brings the bytes of many. Lives on its caller's stack for as
 * long as that function runs, so no other thread sees it, and no process that is forked meanwhile: there only the forking thread goes
 * on. Bytes are wiped when they are used; lj_random_pool_end wipes the rest. */
typedef struct lj_random_pool {
  size_t wanted;            /* bytes that are still to be used, as far as is known; more may be */
  size_t left;              /* of `bytes`, at its front */
  unsigned char bytes[256]; /* as many as Linux hands out without being interrupted */
} lj_random_pool;

void lj_random_pool_init(lj_random_pool *pool, size_t wanted);
/* As lj_random_hex, of at most 256 bytes: LJ_INVALID for more. */
int lj_random_pool_hex(lj_random_pool *pool, char *out, size_t bytes) LJ_MUST_CHECK;
void lj_random_pool_end(lj_random_pool *pool);

/* A number in [0, 1) for jitter: not for secrets. Each thread has its own state, seeded from the system. */
double lj_random_unit(void);

#endif
