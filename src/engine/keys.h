/* SPDX-License-Identifier: MIT
 *
 * A provider's keys, in the order in which they are tried. A key comes from the worker's environment, or from the app, which is
 * asked for it by name over the port (worker:secret) when a job first needs it. Each key is a lane of its own with each model:
 * a limit that a provider puts on one key pauses that lane, and the next key goes on.
 *
 * Values live here and nowhere else, and are wiped before their memory is given back. Engine's thread only.
 */
#ifndef LJ_ENGINE_KEYS_H
#define LJ_ENGINE_KEYS_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "base/limits.h"

typedef struct lj_key {
  const char *variable;     /* of the environment; NULL: */
  const char *secret;       /* the app's name for it */
  char *value;              /* owned; NULL: there is none (yet) */
  char *previous;           /* owned; the value before, which calls in flight may still repeat in their errors */
  bool asked;               /* the app has been asked and has not answered */
  bool answered;
  int64_t refused_until_ms; /* monotonic; the provider does not take it. 0: it does */
} lj_key;

typedef struct lj_keys {
  lj_key items[LJ_MAX_KEYS];
  size_t count; /* 0: the provider wants none */
} lj_keys;

typedef enum lj_key_state {
  LJ_KEY_READY,
  LJ_KEY_AWAITED, /* the app is to be asked, or has not answered yet: jobs wait */
  LJ_KEY_MISSING, /* the variable is not set, or the app has no such secret */
  LJ_KEY_REFUSED
} lj_key_state;

/* `source` is {env} or {secret}, or an array of 1 to LJ_MAX_KEYS of them, and is borrowed from. Reads the environment: call it
 * before the engine's thread starts. LJ_OK, LJ_NOMEM, or LJ_BAD_CONFIG with `path` in `fault`. */
int lj_keys_parse(const cJSON *source, const char *path, lj_keys *keys, lj_fault *fault) LJ_MUST_CHECK;
void lj_keys_free(lj_keys *keys);

lj_key_state lj_keys_state(const lj_keys *keys, size_t index, int64_t now_ms);
/* Whether a job may be started with this key: it is ready, or it is not and no other is, so that the job's error says why. */
bool lj_keys_usable(const lj_keys *keys, size_t index, int64_t now_ms);
/* The provider has refused the key; it is passed over for ten minutes, or until the app gives another value. */
void lj_keys_refuse(lj_keys *keys, size_t index, int64_t now_ms);

/* What the app gave for the secret `name`: NULL when it has none. *known: whether any key here has this name. LJ_OK, LJ_NOMEM,
 * or LJ_INVALID when the value can't be a header's. */
int lj_keys_give(lj_keys *keys, const char *name, const char *value, bool *known) LJ_MUST_CHECK;

/* Says which variable or secret is missing; returns LJ_AUTH. */
int lj_keys_explain(const lj_keys *keys, size_t index, const char *provider, lj_fault *fault);

#endif
