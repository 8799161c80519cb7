/* SPDX-License-Identifier: MIT */
#include "provider/openai.h"

#include "provider/batch.h"
#include "provider/deepseek.h"
#include "provider/error.h"
#include "provider/models.h"
#include "provider/responses.h"
#include "provider/wire.h"

static const lj_openai_dialect openai = {
    .provider = &lj_openai,
    .max_tokens = "max_completion_tokens",
    .max_stops = 4,
    .developer_role = true,
    .json_schema = true,
    .seed = true,
    .embeddings = LJ_OPENAI_EMBEDDINGS_BASE64,
};

static const lj_openai_dialect compatible = {
    .provider = &lj_openai_compatible,
    .max_tokens = "max_tokens",
    .max_stops = 0,
    .developer_role = false,
    .json_schema = true,
    .seed = true,
    .embeddings = LJ_OPENAI_EMBEDDINGS_PLAIN,
};

static const lj_openai_dialect deepseek = {
    .provider = &lj_deepseek,
    .max_tokens = "max_tokens",
    .max_stops = 16,
    .developer_role = false,
    .json_schema = false,
    .seed = false,
    .embeddings = LJ_OPENAI_EMBEDDINGS_NONE,
    .add_to_message = lj_deepseek_add_thoughts,
    .add_reasoning = lj_deepseek_add_reasoning,
};

static int build_openai(const lj_endpoint *endpoint, const char *model, const cJSON *request, lj_wire *wire, lj_fault *fault) {
  return lj_openai_build(&openai, endpoint, model, request, wire, fault);
}

static int build_compatible(const lj_endpoint *endpoint, const char *model, const cJSON *request, lj_wire *wire,
                            lj_fault *fault) {
  return lj_openai_build(&compatible, endpoint, model, request, wire, fault);
}

static int build_deepseek(const lj_endpoint *endpoint, const char *model, const cJSON *request, lj_wire *wire,
                          lj_fault *fault) {
  return lj_openai_build(&deepseek, endpoint, model, request, wire, fault);
}

int lj_openai_build_models(const lj_openai_dialect *dialect, const lj_endpoint *endpoint, lj_wire *wire, lj_fault *fault) {
  wire->ask = LJ_ASK_MODELS;
  return lj_wire_start_get(wire, endpoint, dialect->provider->default_base_url, "/models", fault);
}

int lj_openai_read_models(const cJSON *body, cJSON *names, lj_fault *fault) {
  return lj_models_read(body, "data", "id", NULL, names, fault);
}

static int build_openai_models(const lj_endpoint *endpoint, lj_wire *wire, lj_fault *fault) {
  return lj_openai_build_models(&openai, endpoint, wire, fault);
}

static int build_compatible_models(const lj_endpoint *endpoint, lj_wire *wire, lj_fault *fault) {
  return lj_openai_build_models(&compatible, endpoint, wire, fault);
}

static int build_deepseek_models(const lj_endpoint *endpoint, lj_wire *wire, lj_fault *fault) {
  return lj_openai_build_models(&deepseek, endpoint, wire, fault);
}

static int build_openai_response(const lj_endpoint *endpoint, const char *model, const cJSON *request, lj_wire *wire,
                                 lj_fault *fault) {
  return lj_responses_build(&openai, endpoint, model, request, wire, fault);
}

static int fetch_openai_response(const lj_endpoint *endpoint, const char *id, lj_wire *wire, lj_fault *fault) {
  return lj_responses_build_fetch(&openai, endpoint, id, wire, fault);
}

static int cancel_openai_response(const lj_endpoint *endpoint, const char *id, lj_wire *wire, lj_fault *fault) {
  return lj_responses_build_cancel(&openai, endpoint, id, wire, fault);
}

static int build_compatible_response(const lj_endpoint *endpoint, const char *model, const cJSON *request, lj_wire *wire,
                                 lj_fault *fault) {
  return lj_responses_build(&compatible, endpoint, model, request, wire, fault);
}

static int fetch_compatible_response(const lj_endpoint *endpoint, const char *id, lj_wire *wire, lj_fault *fault) {
  return lj_responses_build_fetch(&compatible, endpoint, id, wire, fault);
}

static int cancel_compatible_response(const lj_endpoint *endpoint, const char *id, lj_wire *wire, lj_fault *fault) {
  return lj_responses_build_cancel(&compatible, endpoint, id, wire, fault);
}

static const lj_provider openai_responses = {
    .kind = "openai",
    .default_base_url = "https://api.openai.com/v1",
    .needs_key = true,
    .default_max_concurrent = 0,
    .framing = LJ_FRAMING_SSE,
    .build = build_openai_response,
    .build_models = build_openai_models,
    .read_models = lj_openai_read_models,
    .build_fetch = fetch_openai_response,
    .build_cancel = cancel_openai_response,
    .read_event = lj_responses_read_event,
    .read_text = lj_openai_read_text,
    .read_body = lj_responses_read_body,
    .read_end = lj_responses_read_end,
    .classify = lj_error_classify,
    .batch = &lj_openai_batch,
    .responses = &openai_responses,
};

static const lj_provider compatible_responses = {
    .kind = "openai-compatible",
    .default_base_url = NULL,
    .needs_key = false,
    .default_max_concurrent = 0,
    .framing = LJ_FRAMING_SSE,
    .build = build_compatible_response,
    .build_models = build_compatible_models,
    .read_models = lj_openai_read_models,
    .build_fetch = fetch_compatible_response,
    .build_cancel = cancel_compatible_response,
    .read_event = lj_responses_read_event,
    .read_text = lj_openai_read_text,
    .read_body = lj_responses_read_body,
    .read_end = lj_responses_read_end,
    .classify = lj_error_classify,
    .batch = &lj_openai_batch,
    .batch_is_asked_for = true,
    .responses = &compatible_responses,
};

const lj_provider lj_openai = {
    .kind = "openai",
    .default_base_url = "https://api.openai.com/v1",
    .needs_key = true,
    .default_max_concurrent = 0,
    .framing = LJ_FRAMING_SSE,
    .build = build_openai,
    .build_models = build_openai_models,
    .read_models = lj_openai_read_models,
    .read_event = lj_openai_read_event,
    .read_text = lj_openai_read_text,
    .read_body = lj_openai_read_body,
    .read_end = lj_openai_read_end,
    .classify = lj_error_classify,
    .batch = &lj_openai_batch,
    .responses = &openai_responses,
};

const lj_provider lj_openai_compatible = {
    .kind = "openai-compatible",
    .default_base_url = NULL,
    .needs_key = false,
    .default_max_concurrent = 0,
    .framing = LJ_FRAMING_SSE,
    .build = build_compatible,
    .build_models = build_compatible_models,
    .read_models = lj_openai_read_models,
    .read_event = lj_openai_read_event,
    .read_text = lj_openai_read_text,
    .read_body = lj_openai_read_body,
    .read_end = lj_openai_read_end_without_done,
    .classify = lj_error_classify,
    .batch = &lj_openai_batch,
    .batch_is_asked_for = true,
    .responses = &compatible_responses,
};

const lj_provider lj_deepseek = {
    .kind = "deepseek",
    .default_base_url = "https://api.deepseek.com",
    .needs_key = true,
    .default_max_concurrent = 0,
    .framing = LJ_FRAMING_SSE,
    .build = build_deepseek,
    .build_models = build_deepseek_models,
    .read_models = lj_openai_read_models,
    .read_event = lj_deepseek_read_event,
    .read_text = lj_openai_read_text,
    .read_body = lj_deepseek_read_body,
    .read_end = lj_deepseek_read_end,
    .classify = lj_error_classify,
};
