/* SPDX-License-Identifier: MIT
 *
 * Budgets of a day: what the rows say that a provider's calls have cost since midnight, of all workers of the database. When it is
 * used up, the provider's lanes wait for the next midnight. The day is that of the system's time zone.
 */
#include "base/clock.h"
#include "base/json.h"
#include "engine/state.h"
#include "policy/calendar.h"

bool lj_budget_exists(const lj_provider_config *provider) {
  return provider->max_tokens_per_day > 0 || provider->max_cost_per_day > 0;
}

/* Milliseconds of the midnight with which a local day begins. */
static int64_t midnight(const lj_zone *zone, int64_t day) {
  int64_t local = day * LJ_DAY_SECONDS;
  /* The offset at midnight is that of the instant, which is known to a day: the second look is exact but where the clock is set at
   * midnight itself. */
  int64_t utc = local - lj_zone_offset(zone, local);
  return (local - lj_zone_offset(zone, utc)) * 1000;
}

int lj_budget_day(lj_engine *engine, int64_t now_wall) {
  const lj_zone *zone = NULL;
  if (now_wall >= engine->spending.from && now_wall < engine->spending.until) return LJ_OK;
  int code = lj_zones_get(&engine->zones, NULL, &zone, NULL);
  if (code != LJ_OK) return code;
  int64_t now = lj_floor_div(now_wall, 1000);
  int64_t day = lj_floor_div(now + lj_zone_offset(zone, now), LJ_DAY_SECONDS);
  int64_t until = midnight(zone, day + 1);
  if (until <= now_wall) until = now_wall + 60000; /* the clock is set at midnight: looked at again soon */
  lj_spending_begin(&engine->spending, midnight(zone, day), until);
  for (size_t i = 0; i < engine->config.provider_count; i++) engine->lanes.parked_until_wall_ms[i] = 0;
  engine->lanes.news = true;
  return LJ_OK;
}

int lj_budget_spend(lj_engine *engine, const lj_target *target, int64_t seq, int64_t begun, int64_t ended, const cJSON *usage) {
  const lj_provider_config *provider = target->provider;
  lj_spending *spending = &engine->spending;
  if (!lj_budget_exists(provider) || usage == NULL) return LJ_OK;
  lj_price price = lj_config_price(provider, target->model);
  double input = lj_json_number(usage, "inputTokens", 0);
  double output = lj_json_number(usage, "outputTokens", 0);
  double cached = lj_json_number(usage, "cachedTokens", 0);
  if (cached > input) cached = input;
  double cost = ((input - cached) * price.input + cached * price.cached + output * price.output) / 1e6;
  int code = lj_spending_add(spending, provider->index, seq, begun, ended, (int64_t)(input + output), cost);
  bool spent = (provider->max_tokens_per_day > 0 && spending->tokens[provider->index] >= provider->max_tokens_per_day) ||
               (provider->max_cost_per_day > 0 && spending->cost[provider->index] >= provider->max_cost_per_day);
  if (code != LJ_OK || !spent || engine->lanes.parked_until_wall_ms[provider->index] == spending->until) return code;
  lj_lanes_park(&engine->lanes, provider->index, spending->until);
  lj_log_write(&engine->log, LJ_LOG_WARN, "provider %s: the budget of the day is used up; its jobs wait", provider->name);
  return LJ_OK;
}

cJSON *lj_budget_json(const lj_engine *engine) {
  cJSON *list = cJSON_CreateArray();
  int code = list != NULL ? LJ_OK : LJ_NOMEM;
  for (size_t i = 0; code == LJ_OK && i < engine->config.provider_count; i++) {
    const lj_provider_config *provider = &engine->config.providers[i];
    if (!lj_budget_exists(provider)) continue;
    cJSON *item = cJSON_CreateObject();
    code = item != NULL ? lj_json_put_string(item, "provider", provider->name) : LJ_NOMEM;
    if (code == LJ_OK) code = lj_json_put_number(item, "tokensToday", (double)engine->spending.tokens[i]);
    if (code == LJ_OK) code = lj_json_put_number(item, "costToday", engine->spending.cost[i]);
    if (code == LJ_OK) code = lj_json_put_bool(item, "exceeded", engine->lanes.parked_until_wall_ms[i] > lj_wall_ms());
    if (code == LJ_OK && engine->spending.until > 0) code = lj_json_put_number(item, "until", (double)engine->spending.until);
    if (code == LJ_OK)
      code = lj_json_push_value(list, item);
    else
      cJSON_Delete(item);
  }
  if (code == LJ_OK) return list;
  cJSON_Delete(list);
  return NULL;
}
