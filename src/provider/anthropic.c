/* SPDX-License-Identifier: MIT */
#include "provider/anthropic.h"

#include "provider/batch.h"
#include "provider/error.h"
#include "provider/models.h"

static int read_models(const cJSON *body, cJSON *names, lj_fault *fault) {
  return lj_models_read(body, "data", "id", NULL, names, fault);
}

const lj_provider lj_anthropic = {
    .kind = "anthropic",
    .default_base_url = "https://api.anthropic.com",
    .needs_key = true,
    .default_max_concurrent = 0,
    .framing = LJ_FRAMING_SSE,
    .build = lj_anthropic_build,
    .build_models = lj_anthropic_build_models,
    .read_models = read_models,
    .read_event = lj_anthropic_read_event,
    .read_text = NULL,
    .read_body = lj_anthropic_read_body,
    .read_end = lj_anthropic_read_end,
    .classify = lj_error_classify,
    .batch = &lj_anthropic_batch,
};
