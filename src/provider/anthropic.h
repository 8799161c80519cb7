/* SPDX-License-Identifier: MIT
 *
 * Anthropic's Messages API.
 */
#ifndef LJ_PROVIDER_ANTHROPIC_H
#define LJ_PROVIDER_ANTHROPIC_H

#include "provider/provider.h"

extern const lj_provider lj_anthropic;

/* The version of the API under which sampling parameters are gone and messages may have the role system. Versions are dates
 * and compare as text. */
#define LJ_ANTHROPIC_NO_SAMPLING "2026-10-21"

/* lj_provider.build and build_models. */
int lj_anthropic_build(const lj_endpoint *endpoint, const char *model, const cJSON *request, lj_wire *wire, lj_fault *fault);
int lj_anthropic_build_models(const lj_endpoint *endpoint, lj_wire *wire, lj_fault *fault);
/* Everything but the body of a request to another address of the API. As build. */
int lj_anthropic_start(const lj_endpoint *endpoint, const char *path, bool post, lj_wire *wire, lj_fault *fault) LJ_MUST_CHECK;

/* Adds `system` and `messages`. `inline_system`: a system message may also stand behind others. LJ_OK, LJ_NOMEM, or
 * LJ_BAD_REQUEST with the fault set, as the next two. */
int lj_anthropic_add_messages(cJSON *body, const cJSON *request, bool inline_system, lj_fault *fault) LJ_MUST_CHECK;

/* Adds `max_tokens`, `thinking` and output_config.effort, which depend on one another and on the model's generation. */
int lj_anthropic_add_limits(cJSON *body, const char *model, const cJSON *request, lj_fault *fault) LJ_MUST_CHECK;

/* The body's `output_config`, made when it is not there; NULL: no memory. */
cJSON *lj_anthropic_output_config(cJSON *body);

/* Version of a model's name: 406 for claude-opus-4-6 and for claude-4.6-opus, 400 for claude-opus-4-20250514; 0: not told. */
int lj_anthropic_generation(const char *model);

/* lj_provider.read_event, read_body and read_end. */
int lj_anthropic_read_event(lj_reading *reading, const char *event, const cJSON *data);
int lj_anthropic_read_body(lj_reading *reading, const cJSON *body);
int lj_anthropic_read_end(lj_reading *reading);

/* What the model thought before it called a tool must go back with the call, or the API refuses the call's result. The blocks
 * of a thought are gathered while they arrive, and the next call takes them as its `signature`: their JSON array. */
int lj_anthropic_begin_thought(lj_answer *answer, const cJSON *block) LJ_MUST_CHECK;
int lj_anthropic_continue_thought(lj_answer *answer, const char *thinking, const char *signature) LJ_MUST_CHECK;
int lj_anthropic_end_thought(lj_answer *answer) LJ_MUST_CHECK;
int lj_anthropic_give_thoughts(lj_answer *answer, lj_tool_call *call) LJ_MUST_CHECK;
/* Appends the blocks of a call's `signature` to a message's content. One of another provider is left out. */
int lj_anthropic_add_thoughts(cJSON *content, const cJSON *call) LJ_MUST_CHECK;

#endif
