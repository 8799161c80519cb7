/* SPDX-License-Identifier: MIT
 *
 * Building the HTTP request of a job, told as text: method and URL, headers, a blank line, body.
 */
#ifndef LJ_TEST_SUPPORT_BUILD_H
#define LJ_TEST_SUPPORT_BUILD_H

#include "provider/provider.h"
#include "provider/request.h"
#include "support/kind.h"

typedef struct build_case {
  const char *kind;     /* as kind.h names it */
  const char *data;     /* a row's data */
  const char *body;     /* expected, or NULL */
  const char *message;  /* the expected fault, or NULL */
} build_case;

static inline int build_data(const char *kind, const lj_endpoint *endpoint, const char *data, lj_wire *wire, lj_fault *fault) {
  const lj_provider *provider = provider_of(kind);
  cJSON *data_json = json_of(data);
  cJSON *request = NULL;
  int rc;
  assert_non_null(provider);
  lj_fault_clear(fault);
  lj_wire_init(wire);
  if (lj_request_prepare(NULL, data_json, &request, fault) != LJ_OK) {
    fail_msg("%s: %s", data, fault->message);
  }
  cJSON_Delete(data_json);
  rc = provider->build(endpoint, "m", request, wire, fault);
  cJSON_Delete(request);
  return rc;
}

static inline void expect_builds(const build_case *list, size_t count) {
  size_t at;
  for (at = 0; at < count; at++) {
    lj_endpoint endpoint = {.provider = "mine", .base_url = "http://h/v1", .api_key = NULL, .headers = NULL};
    lj_wire wire;
    lj_fault fault;
    int rc = build_data(list[at].kind, &endpoint, list[at].data, &wire, &fault);
    if (list[at].message != NULL) {
      assert_code(rc, LJ_BAD_REQUEST);
      assert_string_equal(fault.message, list[at].message);
    } else {
      if (rc != LJ_OK) {
        fail_msg("%s %s: %s", list[at].kind, list[at].data, fault.message);
      }
      assert_string_equal(wire.body.data, list[at].body);
    }
    lj_wire_free(&wire);
  }
}

#endif
