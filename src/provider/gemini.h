/* SPDX-License-Identifier: MIT
 *
 * Google's Gemini Developer API: generateContent, streamGenerateContent and batchEmbedContents. The model stands in the path,
 * a stream is made of whole answers that continue one another and has no end mark of its own, and the key goes into a header.
 */
#ifndef LJ_PROVIDER_GEMINI_H
#define LJ_PROVIDER_GEMINI_H

#include "provider/provider.h"

extern const lj_provider lj_gemini;

/* lj_provider.build */
int lj_gemini_build(const lj_endpoint *endpoint, const char *model, const cJSON *request, lj_wire *wire, lj_fault *fault);

/* The same for a request with an input, and lj_provider.read_body for its answer. In gemini_embedding.c. */
int lj_gemini_build_embeddings(const lj_endpoint *endpoint, const char *model, const cJSON *request, lj_wire *wire,
                               lj_fault *fault) LJ_MUST_CHECK;
int lj_gemini_read_embeddings(lj_reading *reading, const cJSON *body);

/* Appends the model's full name: "models/x" for "x" and for itself. */
int lj_gemini_append_model(lj_buffer *out, const char *model) LJ_MUST_CHECK;

/* Begins the request to `method` of the model: ":generateContent", with a query or without. As lj_wire_start. */
int lj_gemini_start(lj_wire *wire, const lj_endpoint *endpoint, const char *model, const char *method, bool stream,
                    lj_fault *fault) LJ_MUST_CHECK;

/* The same to another address, with or without a body. */
int lj_gemini_start_at(const lj_endpoint *endpoint, const char *path, bool post, lj_wire *wire, lj_fault *fault) LJ_MUST_CHECK;

/* Adds `contents` and `systemInstruction` to the body: LJ_OK, LJ_NOMEM, or LJ_BAD_REQUEST with the fault set. What is added
 * refers to the request's strings. */
int lj_gemini_put_contents(cJSON *body, const cJSON *request, lj_fault *fault) LJ_MUST_CHECK;

/* Appends {"text": text}; the string is referred to. */
int lj_gemini_push_text(cJSON *parts, const char *text) LJ_MUST_CHECK;
/* Appends {key: {}}, and gives both objects. LJ_OK or LJ_NOMEM. */
int lj_gemini_push_part(cJSON *parts, const char *key, cJSON **part, cJSON **object) LJ_MUST_CHECK;

/* In gemini_calls.c, as lj_gemini_put_contents: the calls that a message has; and the result that a tool's message is, which
 * answers a call of the messages before it. `index` is the message's, for the fault. */
int lj_gemini_push_calls(cJSON *parts, const cJSON *message, int index, lj_fault *fault) LJ_MUST_CHECK;
int lj_gemini_push_response(cJSON *parts, const cJSON *messages, const cJSON *message, int index, lj_fault *fault) LJ_MUST_CHECK;

/* lj_provider.read_event, read_body and read_end. */
int lj_gemini_read_event(lj_reading *reading, const char *event, const cJSON *data);
int lj_gemini_read_body(lj_reading *reading, const cJSON *body);
int lj_gemini_read_end(lj_reading *reading);

#endif
