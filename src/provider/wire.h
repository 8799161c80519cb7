/* SPDX-License-Identifier: MIT
 *
 * What the builders of all formats share.
 */
#ifndef LJ_PROVIDER_WIRE_H
#define LJ_PROVIDER_WIRE_H

#include "provider/provider.h"

/* Fills everything of `wire` but the body: POST to the endpoint's base and `path`, the headers every format sends, and those
 * of the configuration, which replace ours of the same name; wire->stream. LJ_OK, LJ_NOMEM, or LJ_BAD_REQUEST with the fault
 * set. */
int lj_wire_start(lj_wire *wire, const lj_endpoint *endpoint, const char *default_base_url, const char *path, bool stream,
                  const char *stream_type, lj_fault *fault) LJ_MUST_CHECK;

/* The same for a GET, which has no body and no stream. */
int lj_wire_start_get(lj_wire *wire, const lj_endpoint *endpoint, const char *default_base_url, const char *path,
                      lj_fault *fault) LJ_MUST_CHECK;

/* Adds a header of the format, unless the configuration has one of that name. As lj_wire_header. */
int lj_wire_own_header(lj_wire *wire, const lj_endpoint *endpoint, const char *name, const char *value) LJ_MUST_CHECK;

/* Prints the body. LJ_OK, LJ_NOMEM, or LJ_BAD_REQUEST with the fault set when it is too large. */
int lj_wire_body(lj_wire *wire, const cJSON *body, lj_fault *fault) LJ_MUST_CHECK;

/* `rc`, or LJ_BAD_REQUEST with the fault set for LJ_TOO_BIG, which a part of the body may have met before the whole. */
int lj_wire_tell_large(int rc, lj_fault *fault) LJ_MUST_CHECK;

/* Adds `value` under `key` without copying it: the tree that is built must not outlive the request. LJ_OK or LJ_NOMEM. */
int lj_json_refer(cJSON *object, const char *key, const cJSON *value) LJ_MUST_CHECK;
int lj_json_refer_string(cJSON *object, const char *key, const char *text) LJ_MUST_CHECK;
/* The same for the member `from` of `request`, when it has one. */
int lj_json_refer_member(cJSON *object, const char *key, const cJSON *request, const char *from) LJ_MUST_CHECK;

/* Begins body.messages, for the formats in which the request's `system` is the first of them. The caller adds the others to
 * *list, which belongs to the body. LJ_OK or LJ_NOMEM. */
int lj_wire_messages(cJSON *body, const cJSON *request, cJSON **list) LJ_MUST_CHECK;

/* Puts an array under `key` and lets `add` push what it makes of each of `entries`. Nothing is put when there are none. LJ_OK, or
 * the first code of `add`. */
int lj_wire_list(cJSON *body, const char *key, const cJSON *entries, int (*add)(cJSON *list, const cJSON *entry)) LJ_MUST_CHECK;

/* One of the request's tools as {type: "function", function: …}: the entry has the same members on both sides. */
int lj_wire_push_function(cJSON *list, const cJSON *tool) LJ_MUST_CHECK;

/* Merges providerOptions[kind] and then providerOptions[provider] into the finished body: a field replaces ours, null removes
 * it. `nested` are names, set apart by blanks: of such a member, when it is an object on both sides, the fields are merged in the
 * same way. NULL: none. LJ_OK or LJ_NOMEM. */
int lj_merge_provider_options(cJSON *body, const cJSON *request, const lj_endpoint *endpoint, const char *kind,
                              const char *nested) LJ_MUST_CHECK;

#endif
