/* SPDX-License-Identifier: MIT
 *
 * From a row's `data` and its job type to a checked request: what every provider's `build` reads.
 */
#ifndef LJ_PROVIDER_REQUEST_H
#define LJ_PROVIDER_REQUEST_H

#include <cjson/cJSON.h>
#include <stdbool.h>

#include "base/fault.h"

/* Merges `data` over the job type's defaults (`type` may be NULL: fields of `data` win), fills {{path}} in `prompt` and
 * `system` that come from the type with values of `data` ({{a.b.0}} walks objects and arrays; text as it is, other values
 * as compact JSON; a missing path is BAD_JOB and names it), and checks every field of design §6 for type and range.
 *
 * *out is an object with these members only: messages (always; made of `prompt` when there are none; each {role, content:
 * string or parts, toolCalls, toolCallId}), system, maxTokens, temperature, topP, stop (array), seed, tools, toolChoice,
 * responseFormat, reasoning, stream (always), input, providerOptions. Beside an input there are no messages and
 * nothing else but stream and providerOptions. Image parts are {type: 'image', url} or {type: 'image',
 * data: base64, mediaType}. LJ_OK, LJ_NOMEM, or LJ_BAD_JOB with `fault` naming the field; caller deletes *out. */
int lj_request_prepare(const cJSON *type, const cJSON *data, cJSON **out, lj_fault *fault) LJ_MUST_CHECK;

/* The defaults of a job type, whose place in the configuration is `path`: fields are checked as those of a job, a schema is compiled
 * on trial. LJ_OK, LJ_NOMEM, or LJ_BAD_CONFIG with `fault` naming the field, also for a key that is neither a field nor `model`. */
int lj_request_check_type(const cJSON *type, const char *path, lj_fault *fault) LJ_MUST_CHECK;

/* True when result.object is wanted: responseFormat is 'json' or a schema. */
bool lj_request_wants_object(const cJSON *request);

#endif
