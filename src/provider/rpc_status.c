/* SPDX-License-Identifier: MIT */
#include "provider/rpc_status.h"

#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "provider/error.h"
#include "provider/quota_day.h"
#include "provider/retry_after.h"

static bool is_name(const char *text) {
  return text != NULL && text[0] != '\0' && strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_") == strlen(text);
}

static bool is_type(const cJSON *detail, const char *name) {
  const char *type = lj_json_string(detail, "@type");
  size_t length = type != NULL ? strlen(type) : 0;
  size_t tail = strlen(name);
  return length >= tail && strcmp(type + length - tail, name) == 0;
}

/* "34.4s", with the forms and the ceiling of a Retry-After in seconds. */
static int64_t delay_ms(const char *text) {
  lj_head head;
  size_t length = text != NULL ? strlen(text) : 0;
  memset(&head, 0, sizeof head);
  if (length < 2 || text[length - 1] != 's') {
    return -1;
  }
  lj_text_copy(head.retry_after, sizeof head.retry_after, text, length - 1);
  return lj_retry_after_ms(&head, 0);
}

static void wait_at_least(lj_rpc_status *out, int64_t ms) {
  if (ms > out->retry_after_ms) {
    out->retry_after_ms = ms;
  }
}

/* Of a daily quota RetryInfo often names seconds, after which the next call would be refused again. A quota of nothing, which
 * accounts have for models that they did not pay for, is not refilled by any wait. */
static void read_quota(const cJSON *failure, lj_rpc_status *out) {
  const cJSON *violation;
  cJSON_ArrayForEach(violation, lj_json_array(failure, "violations")) {
    const char *id = lj_json_string(violation, "quotaId");
    const char *value = lj_json_string(violation, "quotaValue");
    if (value != NULL && strcmp(value, "0") == 0) {
      out->code = LJ_QUOTA_EXCEEDED;
    } else if (id != NULL && strstr(id, "PerDay") != NULL) {
      wait_at_least(out, lj_quota_day_left_ms(lj_wall_ms()));
    }
  }
}

/* A precondition of the account, which another provider may not have, and not of the request. */
static int code_of_precondition(const char *message) {
  if (lj_error_says(message, "billing")) {
    return LJ_QUOTA_EXCEEDED;
  }
  return lj_error_says(message, "location is not supported") ? LJ_AUTH : LJ_OK;
}

void lj_rpc_status_read(const cJSON *error, lj_rpc_status *out) {
  const char *name = lj_json_string(error, "status");
  const char *message = lj_json_string(error, "message");
  const cJSON *detail;
  out->name = is_name(name) ? name : "";
  out->reason = "";
  out->code = LJ_OK;
  out->retry_after_ms = -1;
  if (strcmp(out->name, "FAILED_PRECONDITION") == 0 && message != NULL) {
    out->code = code_of_precondition(message);
  }
  cJSON_ArrayForEach(detail, lj_json_array(error, "details")) {
    const char *reason = lj_json_string(detail, "reason");
    if (is_type(detail, "google.rpc.ErrorInfo") && is_name(reason)) {
      out->reason = reason;
    } else if (is_type(detail, "google.rpc.RetryInfo")) {
      wait_at_least(out, delay_ms(lj_json_string(detail, "retryDelay")));
    } else if (is_type(detail, "google.rpc.QuotaFailure")) {
      read_quota(detail, out);
    }
  }
}
