/* SPDX-License-Identifier: MIT */
#include "provider/gemini.h"

#include <string.h>

#include "base/json.h"
#include "provider/batch.h"
#include "provider/error.h"
#include "provider/models.h"
#include "provider/wire.h"

enum { MAX_PATH_BYTES = 4096 };

static const char models[] = "models/";
static const char tuned[] = "tunedModels/";

static bool starts_with(const char *text, const char *start) { return strncmp(text, start, strlen(start)) == 0; }

/* Whatever the name holds, it stays one part of the path. */
static int append_escaped(lj_buffer *path, const char *name) {
  static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
  int rc = LJ_OK;
  for (; rc == LJ_OK && *name != '\0'; name++) {
    rc = strchr(plain, *name) != NULL ? lj_buffer_append_char(path, *name)
                                      : lj_buffer_printf(path, "%%%02X", (unsigned char)*name);
  }
  return rc;
}

static const char *folder_of(const char *model) { return starts_with(model, tuned) ? tuned : models; }

static const char *rest_of(const char *model) {
  const char *folder = folder_of(model);
  return starts_with(model, folder) ? model + strlen(folder) : model;
}

int lj_gemini_append_model(lj_buffer *out, const char *model) {
  int rc = lj_buffer_append_text(out, folder_of(model));
  return rc == LJ_OK ? lj_buffer_append_text(out, rest_of(model)) : rc;
}

static int make_path(lj_buffer *path, const char *model, const char *method) {
  int rc = lj_buffer_printf(path, "/%s", folder_of(model));
  if (rc == LJ_OK) {
    rc = append_escaped(path, rest_of(model));
  }
  return rc == LJ_OK ? lj_buffer_append_text(path, method) : rc;
}

static lj_endpoint with_key_header(const lj_endpoint *endpoint) {
  lj_endpoint copy = *endpoint;
  copy.key_header = "x-goog-api-key";
  return copy;
}

int lj_gemini_start(lj_wire *wire, const lj_endpoint *endpoint, const char *model, const char *method, bool stream,
                    lj_fault *fault) {
  lj_endpoint here = with_key_header(endpoint);
  lj_buffer path;
  int rc;
  lj_buffer_init(&path, MAX_PATH_BYTES);
  rc = make_path(&path, model, method);
  if (rc == LJ_OK) {
    rc = lj_wire_start(wire, &here, lj_gemini.default_base_url, path.data, stream, "text/event-stream", fault);
  } else if (rc == LJ_TOO_BIG) {
    rc = lj_fault_set(fault, LJ_BAD_REQUEST, "The model's name is longer than %d bytes when it is escaped", MAX_PATH_BYTES);
  }
  lj_buffer_free(&path);
  return rc;
}

int lj_gemini_start_at(const lj_endpoint *endpoint, const char *path, bool post, lj_wire *wire, lj_fault *fault) {
  lj_endpoint here = with_key_header(endpoint);
  return post ? lj_wire_start(wire, &here, lj_gemini.default_base_url, path, false, NULL, fault)
              : lj_wire_start_get(wire, &here, lj_gemini.default_base_url, path, fault);
}

/* The largest page there is; accounts have fewer models. */
static int build_models(const lj_endpoint *endpoint, lj_wire *wire, lj_fault *fault) {
  lj_endpoint here = with_key_header(endpoint);
  wire->ask = LJ_ASK_MODELS;
  return lj_wire_start_get(wire, &here, lj_gemini.default_base_url, "/models?pageSize=1000", fault);
}

static int read_models(const cJSON *body, cJSON *names, lj_fault *fault) {
  return lj_models_read(body, "models", "name", models, names, fault);
}

const lj_provider lj_gemini = {
    .kind = "gemini",
    .default_base_url = "https://generativelanguage.googleapis.com/v1beta",
    .needs_key = true,
    .default_max_concurrent = 0,
    .framing = LJ_FRAMING_SSE,
    .build = lj_gemini_build,
    .build_models = build_models,
    .read_models = read_models,
    .read_event = lj_gemini_read_event,
    .read_text = NULL,
    .read_body = lj_gemini_read_body,
    .read_end = lj_gemini_read_end,
    .classify = lj_error_classify,
    .batch = &lj_gemini_batch,
};
