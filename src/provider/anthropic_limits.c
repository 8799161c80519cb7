/* SPDX-License-Identifier: MIT
 *
 * How much a model may think and say. Up to Claude 4.5 a model thinks when it is given a budget; Claude 4.6 takes a budget or
 * decides by itself ("adaptive"), guided by an effort; later ones refuse a budget. Opus 4.5 knows efforts beside a budget. A
 * name that tells no version is taken for a new model.
 */
#include <string.h>

#include "base/ascii.h"
#include "base/json.h"
#include "provider/anthropic.h"
#include "provider/wire.h"

enum {
  DEFAULT_MAX_TOKENS = 16384, /* the API wants a number; above some 21,000 an answer that is not streamed may take too long */
  MIN_BUDGET = 1024,
  FIRST_ADAPTIVE = 406,
  LAST_WITH_BUDGET = 406,
  OPUS_WITH_EFFORT = 405
};

/* A number of one or two digits: longer ones are dates. -1: none. */
static int number_at(const char *text, size_t *length) {
  *length = 0;
  while (lj_ascii_is_digit(text[*length])) {
    (*length)++;
  }
  if (*length == 0 || *length > 2) {
    return -1;
  }
  return *length == 1 ? text[0] - '0' : (text[0] - '0') * 10 + (text[1] - '0');
}

int lj_anthropic_generation(const char *model) {
  const char *at = strstr(model, "claude");
  size_t length;
  for (; at != NULL && *at != '\0'; at++) {
    int major = *at == '-' ? number_at(at + 1, &length) : -1;
    if (major >= 0) {
      int minor = 0;
      at += 1 + length;
      if (*at == '-' || *at == '.') {
        minor = number_at(at + 1, &length);
      }
      return major * 100 + (minor > 0 ? minor : 0);
    }
  }
  return 0;
}

cJSON *lj_anthropic_output_config(cJSON *body) {
  cJSON *config = cJSON_GetObjectItemCaseSensitive(body, "output_config");
  if (config == NULL) {
    config = cJSON_CreateObject();
    if (lj_json_put_value(body, "output_config", config) != LJ_OK) {
      config = NULL;
    }
  }
  return config;
}

static int add_thinking(cJSON *body, const char *type, int64_t budget) {
  cJSON *thinking = cJSON_CreateObject();
  int rc = lj_json_put_value(body, "thinking", thinking);
  if (rc == LJ_OK) {
    rc = lj_json_refer_string(thinking, "type", type);
  }
  return rc == LJ_OK && budget > 0 ? lj_json_put_number(thinking, "budget_tokens", (double)budget) : rc;
}

static int add_budget(cJSON *body, const char *model, int generation, int64_t budget, const cJSON *request, lj_fault *fault) {
  int64_t max_tokens = lj_json_int(request, "maxTokens", 0);
  if (generation > LAST_WITH_BUDGET) {
    return lj_fault_set(fault, LJ_BAD_REQUEST, "reasoning.budgetTokens is not supported by %.100s; use reasoning.effort", model);
  }
  if (budget < MIN_BUDGET) {
    return lj_fault_set(fault, LJ_BAD_REQUEST, "reasoning.budgetTokens is %lld, but anthropic takes no less than %d",
                        (long long)budget, MIN_BUDGET);
  }
  if (max_tokens > 0 && budget >= max_tokens) {
    return lj_fault_set(fault, LJ_BAD_REQUEST,
                        "reasoning.budgetTokens is %lld, but must be less than maxTokens (%lld), which it is a part of",
                        (long long)budget, (long long)max_tokens);
  }
  return add_thinking(body, "enabled", budget);
}

/* The API has no "minimal": the nearest is "low". */
static int add_effort(cJSON *body, const char *effort) {
  cJSON *config = lj_anthropic_output_config(body);
  return config == NULL ? LJ_NOMEM
                        : lj_json_refer_string(config, "effort", strcmp(effort, "minimal") == 0 ? "low" : effort);
}

static bool knows_effort(const char *model, int generation) {
  return generation == 0 || generation >= FIRST_ADAPTIVE ||
         (generation == OPUS_WITH_EFFORT && strstr(model, "opus") != NULL);
}

static int add_reasoning(cJSON *body, const char *model, const cJSON *request, lj_fault *fault) {
  const cJSON *reasoning = lj_json_object(request, "reasoning");
  const char *effort = lj_json_string(reasoning, "effort");
  int64_t budget = lj_json_int(reasoning, "budgetTokens", 0);
  int generation = lj_anthropic_generation(model);
  int rc = LJ_OK;
  if (reasoning == NULL) {
    return LJ_OK;
  }
  if (lj_text_is(effort, "none")) {
    return budget > 0 ? lj_fault_set(fault, LJ_BAD_REQUEST,
                                     "reasoning.effort is \"none\", which contradicts reasoning.budgetTokens; give one of them")
                      : add_thinking(body, "disabled", 0);
  }
  if (effort != NULL && !knows_effort(model, generation)) {
    return lj_fault_set(fault, LJ_BAD_REQUEST, "reasoning.effort is not supported by %.100s; use reasoning.budgetTokens", model);
  }
  if (budget > 0) {
    rc = add_budget(body, model, generation, budget, request, fault);
  } else if (generation == 0 || generation >= FIRST_ADAPTIVE) {
    rc = add_thinking(body, "adaptive", 0);
  } else if (effort == NULL) {
    return lj_fault_set(fault, LJ_BAD_REQUEST, "reasoning without budgetTokens is not supported by %.100s", model);
  }
  return rc == LJ_OK && effort != NULL ? add_effort(body, effort) : rc;
}

int lj_anthropic_add_limits(cJSON *body, const char *model, const cJSON *request, lj_fault *fault) {
  int64_t budget = lj_json_int(lj_json_object(request, "reasoning"), "budgetTokens", 0);
  int rc;
  if (lj_json_get(request, "maxTokens") != NULL) {
    rc = lj_json_refer_member(body, "max_tokens", request, "maxTokens");
  } else {
    rc = lj_json_put_number(body, "max_tokens", (double)(DEFAULT_MAX_TOKENS + budget));
  }
  return rc == LJ_OK ? add_reasoning(body, model, request, fault) : rc;
}
