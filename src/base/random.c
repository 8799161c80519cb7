/* SPDX-License-Identifier: MIT */
#include "base/random.h"

#include <stdint.h>

#include "base/clock.h"

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

int lj_random_hex(char *out, size_t bytes) {
  static const char digits[] = "0123456789abcdef";
  unsigned char block[32];
  size_t done = 0;
  while (done < bytes) {
    size_t part = bytes - done < sizeof block ? bytes - done : sizeof block;
    size_t at;
    if (system_random(block, part) != LJ_OK) {
      out[0] = '\0';
      return LJ_IO;
    }
    for (at = 0; at < part; at++) {
      out[2 * (done + at)] = digits[block[at] >> 4];
      out[2 * (done + at) + 1] = digits[block[at] & 15];
    }
    done += part;
  }
  out[2 * bytes] = '\0';
  return LJ_OK;
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
