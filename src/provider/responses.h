/* SPDX-License-Identifier: MIT
 *
 * OpenAI's Responses API: the same jobs as Chat Completions in another form, and the only one of the two in which an answer
 * has an id by which it can be fetched after the connection broke.
 */
#ifndef LJ_PROVIDER_RESPONSES_H
#define LJ_PROVIDER_RESPONSES_H

#include "provider/openai.h"

/* lj_provider.build, for one dialect. A request with an input for embeddings goes to lj_openai_build_embeddings. */
int lj_responses_build(const lj_openai_dialect *dialect, const lj_endpoint *endpoint, const char *model, const cJSON *request,
                       lj_wire *wire, lj_fault *fault) LJ_MUST_CHECK;

/* lj_provider.build_fetch and build_cancel. */
int lj_responses_build_fetch(const lj_openai_dialect *dialect, const lj_endpoint *endpoint, const char *id, lj_wire *wire,
                             lj_fault *fault) LJ_MUST_CHECK;
int lj_responses_build_cancel(const lj_openai_dialect *dialect, const lj_endpoint *endpoint, const char *id, lj_wire *wire,
                              lj_fault *fault) LJ_MUST_CHECK;

/* Adds the items of one message of the job to `input`: what was said, then each tool call; or a tool's result. LJ_OK, LJ_NOMEM,
 * or LJ_BAD_REQUEST with the fault set. In responses_input.c. */
int lj_responses_add_message(cJSON *input, const cJSON *message, lj_fault *fault) LJ_MUST_CHECK;

/* lj_provider.read_event, read_body and read_end. */
int lj_responses_read_event(lj_reading *reading, const char *event, const cJSON *data);
int lj_responses_read_body(lj_reading *reading, const cJSON *body);
int lj_responses_read_end(lj_reading *reading);

#endif
