/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/memory.h"
#include "engine/state.h"

static size_t find(const lj_names *names, const char *name) {
  size_t at = 0;
  while (at < names->count && strcmp(names->items[at], name) != 0) at++;
  return at;
}

bool lj_names_have(const lj_names *names, const char *name) { return find(names, name) < names->count; }

int lj_names_add(lj_names *names, const char *name) {
  if (lj_names_have(names, name)) return LJ_OK;
  if (names->count == LJ_MAX_NAMES) return LJ_TOO_BIG;
  char *copy = lj_strdup(name);
  if (copy == NULL) return LJ_NOMEM;
  names->items[names->count++] = copy;
  return LJ_OK;
}

void lj_names_remove(lj_names *names, const char *name) {
  size_t at = find(names, name);
  if (at == names->count) return;
  lj_free(names->items[at]);
  names->items[at] = names->items[--names->count];
}

void lj_names_free(lj_names *names) {
  for (size_t i = 0; i < names->count; i++) lj_free(names->items[i]);
  names->count = 0;
}
