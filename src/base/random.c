/* SPDX-License-Identifier: MIT */
#include "base/random.h"

#include <stdint.h>

#include "base/clock.h"
#include "base/memory.h"

#if defined(_WIN32)
#include <windows.h>
/* bcrypt.h needs the types of windows.h */
#include <bcrypt.h>
#elif defined(__linux__)
#include <errno.h>
#include <sys/random.h>
#else
#include <stdlib.h>
#endif

static int system_random(unsigned char *out, size_t length) {
#if defined(_WIN32)
  NTSTATUS status = BCryptGenRandom(NULL, out, (ULONG)length, BCRYPT_USE_SYSTEM_PREFERRED_RNG);
  return status >= 0 ? LJ_OK : LJ_IO;
#elif defined(__linux__)
  while (length > 0) {
    ssize_t got = getrandom(out, length, 0);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got <= 0) {
      return LJ_IO;
    }
    out += got;
    length -= (size_t)got;
  }
  return LJ_OK;
#else
  arc4random_buf(out, length); /* macOS and the BSDs: it can't fail */
  return LJ_OK;
#endif
}

static void write_hex(char *out, const unsigned char *bytes, size_t count) {
  static const char digits[] = "0123456789abcdef";
  for (size_t at = 0; at < count; at++) {
    out[2 * at] = digits[bytes[at] >> 4];
    out[2 * at + 1] = digits[bytes[at] & 15];
  }
  out[2 * count] = '\0';
}

int lj_random_hex(char *out, size_t bytes) {
  unsigned char block[32];
  size_t done = 0;
  out[0] = '\0';
  while (done < bytes) {
    size_t part = bytes - done < sizeof block ? bytes - done : sizeof block;
    if (system_random(block, part) != LJ_OK) {
      out[0] = '\0';
      return LJ_IO;
    }
    write_hex(out + 2 * done, block, part);
    done += part;
  }
  return LJ_OK;
}

void lj_random_pool_init(lj_random_pool *pool, size_t wanted) {
  pool->wanted = wanted;
  pool->left = 0;
}

/* What is left is thrown away: it is less than one text. */
static int refill(lj_random_pool *pool, size_t bytes) {
  size_t most = sizeof pool->bytes - sizeof pool->bytes % bytes;
  size_t count = pool->wanted < bytes ? bytes : pool->wanted;
  if (count > most) count = most;
  pool->left = 0;
  if (system_random(pool->bytes, count) != LJ_OK) return LJ_IO;
  pool->left = count;
  return LJ_OK;
}

int lj_random_pool_hex(lj_random_pool *pool, char *out, size_t bytes) {
  out[0] = '\0';
  if (bytes == 0 || bytes > sizeof pool->bytes) return bytes == 0 ? LJ_OK : LJ_INVALID;
  if (pool->left < bytes && refill(pool, bytes) != LJ_OK) return LJ_IO;
  pool->left -= bytes;
  pool->wanted -= pool->wanted < bytes ? pool->wanted : bytes;
  write_hex(out, pool->bytes + pool->left, bytes);
  lj_wipe(pool->bytes + pool->left, bytes);
  return LJ_OK;
}

void lj_random_pool_end(lj_random_pool *pool) {
  lj_wipe(pool->bytes, pool->left);
  pool->left = 0;
}

double lj_random_unit(void) {
  static LJ_THREAD_LOCAL uint64_t state; /* 0: not seeded */
  if (state == 0) {
    unsigned char seed[sizeof state];
    size_t at;
    if (system_random(seed, sizeof seed) == LJ_OK) {
      for (at = 0; at < sizeof seed; at++) {
        state = state << 8 | seed[at];
      }
    }
    if (state == 0) { /* no system randomness: two threads still differ by the address of their state */
      state = (uint64_t)lj_mono_us() ^ (uint64_t)(uintptr_t)&state ^ 0x9E3779B97F4A7C15u;
      state |= 1;
    }
  }
  /* xorshift64*: the upper 53 bits make the fraction. */
  state ^= state >> 12;
  state ^= state << 25;
  state ^= state >> 27;
  return (double)((state * 0x2545F4914F6CDD1Du) >> 11) / 9007199254740992.0;
}
