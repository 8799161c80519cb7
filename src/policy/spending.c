/* SPDX-License-Identifier: MIT */
#include "policy/spending.h"

#include <stdbool.h>
#include <string.h>

#include "base/memory.h"

enum { FIRST_SIZE = 64 };

static void forget(lj_spending *spending) {
  lj_free(spending->known);
  spending->known = NULL;
  spending->size = 0;
  spending->count = 0;
}

void lj_spending_free(lj_spending *spending) {
  forget(spending);
  memset(spending, 0, sizeof *spending);
}

void lj_spending_begin(lj_spending *spending, int64_t from, int64_t until) {
  lj_spending_free(spending);
  spending->from = from;
  spending->until = until;
}

/* The finalizer of splitmix64: neighbouring jobs and times land far from one another. */
static uint64_t key_of(int64_t job, int64_t begun) {
  uint64_t key = (uint64_t)job * UINT64_C(0x9E3779B97F4A7C15) + (uint64_t)begun;
  key = (key ^ (key >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
  key = (key ^ (key >> 27)) * UINT64_C(0x94D049BB133111EB);
  key ^= key >> 31;
  return key != 0 ? key : 1;
}

/* Where the key is, or where it belongs. The table is never full. */
static size_t place_of(const uint64_t *known, size_t size, uint64_t key) {
  size_t place = (size_t)key & (size - 1);
  while (known[place] != 0 && known[place] != key) place = (place + 1) & (size - 1);
  return place;
}

static int make_room(lj_spending *spending) {
  if (spending->count == LJ_MAX_SPENDING) forget(spending);
  if (spending->count * 2 < spending->size) return LJ_OK;
  size_t size = spending->size > 0 ? spending->size * 2 : FIRST_SIZE;
  uint64_t *known = lj_calloc(size, sizeof *known);
  if (known == NULL) return LJ_NOMEM;
  for (size_t i = 0; i < spending->size; i++)
    if (spending->known[i] != 0) known[place_of(known, size, spending->known[i])] = spending->known[i];
  lj_free(spending->known);
  spending->known = known;
  spending->size = size;
  return LJ_OK;
}

int lj_spending_add(lj_spending *spending, size_t provider, int64_t job, int64_t begun, int64_t ended, int64_t tokens, double cost) {
  if (ended < spending->from || ended >= spending->until) return LJ_OK;
  int code = make_room(spending);
  if (code != LJ_OK) return code;
  uint64_t key = key_of(job, begun);
  size_t place = place_of(spending->known, spending->size, key);
  if (spending->known[place] == key) return LJ_OK;
  spending->known[place] = key;
  spending->count++;
  spending->tokens[provider] += tokens;
  spending->cost[provider] += cost;
  return LJ_OK;
}
