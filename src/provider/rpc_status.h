/* SPDX-License-Identifier: MIT
 *
 * google.rpc.Status as JSON: {code, message, status: "RESOURCE_EXHAUSTED", details: [{"@type": …}]}. Google's own APIs answer so,
 * and gateways before them pass it on in other formats' errors.
 */
#ifndef LJ_PROVIDER_RPC_STATUS_H
#define LJ_PROVIDER_RPC_STATUS_H

#include <cjson/cJSON.h>
#include <stdint.h>

/* Borrowed from the JSON. */
typedef struct lj_rpc_status {
  const char *name;       /* of the status, "" when there is none */
  const char *reason;     /* of ErrorInfo: "API_KEY_INVALID", "" when there is none */
  int code;               /* what only the whole of it tells, LJ_OK when that is nothing */
  int64_t retry_after_ms; /* RetryInfo, or until a daily quota begins anew; −1: not said */
} lj_rpc_status;

/* `error` is the error object; one that is none of these reads as nothing said. */
void lj_rpc_status_read(const cJSON *error, lj_rpc_status *out);

#endif
