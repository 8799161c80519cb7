/* SPDX-License-Identifier: MIT
 *
 * Keys that the app holds: asked for by name when a job first needs one of a provider, given by worker:secret.
 */
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "engine/state.h"

static void ask(lj_engine *engine, lj_key *key, bool refused) {
  cJSON *payload = cJSON_CreateObject();
  int code = payload != NULL ? lj_json_put_string(payload, "name", key->secret) : LJ_NOMEM;
  if (code == LJ_OK) code = lj_json_put_bool(payload, "refused", refused);
  if (code != LJ_OK) {
    cJSON_Delete(payload);
    return; /* memory is short: the next look at the lane asks again */
  }
  key->asked = true;
  lj_outbox_post(&engine->outbox, NULL, "worker:secret", payload);
}

/* One name may be that of several keys: the app is asked once. */
static bool is_asked(const lj_engine *engine, const char *name) {
  for (size_t i = 0; i < engine->config.provider_count; i++) {
    const lj_keys *keys = &engine->config.providers[i].keys;
    for (size_t k = 0; k < keys->count; k++)
      if (keys->items[k].asked && strcmp(keys->items[k].secret, name) == 0) return true;
  }
  return false;
}

bool lj_secrets_ready(lj_engine *engine, const lj_provider_config *provider, size_t index) {
  lj_keys *keys = &engine->config.providers[provider->index].keys;
  for (size_t i = 0; i < keys->count; i++) {
    lj_key *key = &keys->items[i];
    if (key->secret != NULL && !key->answered && !is_asked(engine, key->secret)) ask(engine, key, false);
  }
  return lj_keys_usable(keys, index, lj_mono_ms());
}

void lj_secrets_refused(lj_engine *engine, const lj_target *target, const char *why) {
  lj_keys *keys = &engine->config.providers[target->provider->index].keys;
  if (target->key >= keys->count) return;
  lj_key *key = &keys->items[target->key];
  if (key->value == NULL) return; /* there was nothing to refuse */
  bool news = key->refused_until_ms <= lj_mono_ms();
  lj_keys_refuse(keys, target->key, lj_mono_ms());
  if (keys->count > 1)
    lj_log_write(&engine->log, LJ_LOG_WARN, "provider %s refuses key %zu of %zu (%s)", target->provider->name, target->key + 1,
                 keys->count, why);
  if (news && key->secret != NULL && !is_asked(engine, key->secret)) ask(engine, key, true);
}

int lj_secrets_give(lj_engine *engine, const char *name, const char *value, bool *known) {
  int code = LJ_OK;
  *known = false;
  for (size_t i = 0; code == LJ_OK && i < engine->config.provider_count; i++)
    code = lj_keys_give(&engine->config.providers[i].keys, name, value, known);
  engine->look = true;
  return code;
}
