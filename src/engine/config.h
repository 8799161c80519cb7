/* SPDX-License-Identifier: MIT
 *
 * The configuration (docs/configuration.md), checked once and then read-only. Texts are borrowed from the parsed tree, which
 * the configuration owns. Keys are held here and nowhere else.
 */
#ifndef LJ_ENGINE_CONFIG_H
#define LJ_ENGINE_CONFIG_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/fault.h"
#include "base/log.h"
#include "engine/keys.h"
#include "http/client.h"
#include "policy/content.h"
#include "policy/health.h"
#include "provider/provider.h"
#include "queue/retention.h"

typedef struct lj_provider_config {
  const char *name;
  size_t index;              /* in lj_config.providers */
  const lj_provider *format;
  char *base_url;            /* owned; NULL: the format's default */
  lj_keys keys;
  const cJSON *headers;
  size_t max_concurrent;     /* 0: no limit of its own */
  lj_timeouts timeouts;
  int64_t requests_per_minute; /* of each model; 0: no limit */
  int64_t tokens_per_minute;   /* as well */
  int breaker_threshold;
  int64_t breaker_open_ms;
  int64_t max_tokens_per_day;  /* 0: no limit */
  double max_cost_per_day;     /* 0: no limit; else each model has a price */
  const cJSON *prices;         /* object, or NULL */
  size_t max_response_bytes;
  const char *proxy;
  const char *ca_file;
  bool is_own;               /* a server on this machine, or one that is reached without TLS: no service of others */
  bool background;           /* answers are made in the background */
  struct {
    bool on;                 /* jobs with opts.batch are gathered */
    size_t max_jobs;
    int64_t max_wait_ms;
    int64_t poll_ms;
    bool fallback;           /* what a batch did not answer runs by a call of its own */
  } batch;
  lj_health_rules health;
  const char **command;      /* owned; the words that start a local server, NULL-terminated. NULL: none is ours */
} lj_provider_config;

/* Of a million tokens, in whatever currency the configuration means. */
typedef struct lj_price {
  double input;
  double output;
  double cached;
} lj_price;

typedef struct lj_target {
  const lj_provider_config *provider;
  const char *model;
  size_t key;                /* in provider->keys */
  int64_t context_tokens; /* of the model, 0: not said */
} lj_target;

typedef struct lj_alias {
  const char *name;
  lj_target targets[LJ_MAX_TARGETS];
  size_t count;
} lj_alias;

typedef struct lj_config {
  cJSON *tree;
  const char *database;
  const char *worker_id;
  const cJSON *queues;       /* array of strings, or NULL: all */
  size_t concurrency;
  int64_t poll_interval_ms;
  int64_t lease_ms;
  int64_t max_stalls;
  int64_t job_timeout_ms;
  size_t max_queue;          /* requests by message that wait for their answers */
  const cJSON *allowed_models; /* array of strings, or NULL: all */
  const cJSON *refused_models; /* the same; wins over allowed_models */
  bool allows_llm;             /* allowedAPIs: providers may be called */
  bool allows_ipc;             /* … all messages are answered */
  bool allows_files;           /* … files that the configuration or a message names may be read */
  lj_content content;
  const cJSON *types;          /* object, or NULL */
  lj_keep keep_completed;
  lj_keep keep_failed;
  lj_keep keep_cancelled;
  lj_log_level log_level;
  lj_provider_config providers[LJ_MAX_PROVIDERS];
  size_t provider_count;
  lj_alias *aliases;
  size_t alias_count;
} lj_config;

/* Called on the thread that calls lj_engine_start, before the engine's thread exists: environment variables that hold keys are
 * read here and never again, because getenv must not meet a setenv of another thread. LJ_OK, LJ_NOMEM, or LJ_BAD_CONFIG with the
 * key's path in `fault`. On error `config` holds nothing. */
int lj_config_parse(const char *text, lj_config *config, lj_fault *fault) LJ_MUST_CHECK;
void lj_config_free(lj_config *config);

/* As many targets as the provider has keys, the first with the first key; at least one. Returns how many fit into `room`, all or
 * none of them (0). */
size_t lj_config_spread(const lj_target *target, lj_target *out, size_t room);
/* The same provider and model, whatever the key. */
bool lj_target_same(const lj_target *one, const lj_target *other);

/* Splits "provider/model" at the first slash. LJ_OK, or LJ_NO_PROVIDER with the configured names in `fault`. The target
 * borrows from `text`. */
int lj_config_target(const lj_config *config, const char *text, lj_target *target, lj_fault *fault) LJ_MUST_CHECK;

/* config_policy.c: allowedAPIs, before the providers are read. LJ_OK or LJ_BAD_CONFIG. */
int lj_config_policy_parse(lj_config *config, lj_fault *fault) LJ_MUST_CHECK;
/* Tells of names in allowedModels and refusedModels that name nothing: a typing mistake there refuses nothing. */
void lj_config_policy_warn(const lj_config *config, const lj_log *log);

/* What a model's tokens cost: its own price, else that of "*", else nothing. */
lj_price lj_config_price(const lj_provider_config *provider, const char *model);

#endif
