/* SPDX-License-Identifier: MIT
 *
 * What a provider's entry says of limits: the breaker, requests and tokens per minute, prices and the budgets of a day.
 */
#include <stdio.h>

#include "base/json.h"
#include "engine/config_provider.h"
#include "engine/fields.h"

enum { DAY_MS = 86400000, PATH_SIZE = 256 };

static const lj_field breaker_fields[] = {
    {"threshold", LJ_FIELD_WHOLE, false, 1, 1000000},
    {"openMs", LJ_FIELD_WHOLE, false, 1, DAY_MS},
};

static const lj_field price_fields[] = {
    {"inputPerMillion", LJ_FIELD_NUMBER, true, 0, 1e9},
    {"outputPerMillion", LJ_FIELD_NUMBER, true, 0, 1e9},
    {"cachedPerMillion", LJ_FIELD_NUMBER, false, 0, 1e9},
};

#define COUNT(list) (sizeof(list) / sizeof((list)[0]))

static int check_breaker(const cJSON *source, const char *path, lj_provider_config *provider, lj_fault *fault) {
  const cJSON *breaker = lj_json_object(source, "breaker");
  char breaker_path[PATH_SIZE];
  (void)snprintf(breaker_path, sizeof breaker_path, "%s.breaker", path);
  if (breaker != NULL) {
    int code = lj_fields_check(breaker, breaker_path, breaker_fields, COUNT(breaker_fields), fault);
    if (code != LJ_OK) return code;
  }
  provider->breaker_threshold = (int)lj_json_int(breaker, "threshold", 5);
  provider->breaker_open_ms = lj_json_int(breaker, "openMs", 60000);
  return LJ_OK;
}

static int check_prices(const cJSON *source, const char *path, lj_provider_config *provider, lj_fault *fault) {
  const cJSON *item = NULL;
  provider->prices = lj_json_object(source, "prices");
  cJSON_ArrayForEach(item, provider->prices) {
    char price_path[PATH_SIZE];
    (void)snprintf(price_path, sizeof price_path, "%s.prices.%.100s", path, item->string);
    int code = lj_fields_check(item, price_path, price_fields, COUNT(price_fields), fault);
    if (code != LJ_OK) return code;
  }
  return LJ_OK;
}

int lj_config_limits_parse(const cJSON *source, const char *path, lj_provider_config *provider, lj_fault *fault) {
  int code = check_breaker(source, path, provider, fault);
  if (code == LJ_OK) code = check_prices(source, path, provider, fault);
  if (code != LJ_OK) return code;
  provider->requests_per_minute = lj_json_int(source, "requestsPerMinute", 0);
  provider->tokens_per_minute = lj_json_int(source, "tokensPerMinute", 0);
  provider->max_tokens_per_day = lj_json_int(source, "maxTokensPerDay", 0);
  provider->max_cost_per_day = lj_json_number(source, "maxCostPerDay", 0);
  /* A model without a price would spend unseen. */
  if (provider->max_cost_per_day > 0 && lj_json_object(provider->prices, "*") == NULL)
    return lj_fault_set(fault, LJ_BAD_CONFIG,
                        "%s.maxCostPerDay: needs prices with an entry \"*\", for models that have none of their own", path);
  return LJ_OK;
}

lj_price lj_config_price(const lj_provider_config *provider, const char *model) {
  const cJSON *source = lj_json_object(provider->prices, model);
  if (source == NULL) source = lj_json_object(provider->prices, "*");
  lj_price price = {.input = lj_json_number(source, "inputPerMillion", 0), .output = lj_json_number(source, "outputPerMillion", 0)};
  price.cached = lj_json_number(source, "cachedPerMillion", price.input);
  return price;
}
