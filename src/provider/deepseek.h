/* SPDX-License-Identifier: MIT
 *
 * What DeepSeek has beyond OpenAI's form: thoughts that must go back with the tool calls they led to, and words of its own for
 * how much to think.
 */
#ifndef LJ_PROVIDER_DEEPSEEK_H
#define LJ_PROVIDER_DEEPSEEK_H

#include "provider/provider.h"

/* lj_provider.read_event, read_body and read_end. The thoughts become the signature of the first tool call. */
int lj_deepseek_read_event(lj_reading *reading, const char *event, const cJSON *data);
int lj_deepseek_read_body(lj_reading *reading, const cJSON *body);
int lj_deepseek_read_end(lj_reading *reading);

/* For lj_openai_dialect: adds the thoughts to the message whose tool calls carry them. LJ_OK or LJ_NOMEM. */
int lj_deepseek_add_thoughts(cJSON *message, const cJSON *source) LJ_MUST_CHECK;
/* The same for the request's reasoning: DeepSeek knows off, low, high and max; the others are the nearest of them. */
int lj_deepseek_add_reasoning(cJSON *body, const char *effort) LJ_MUST_CHECK;

#endif
