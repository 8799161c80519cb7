/* SPDX-License-Identifier: MIT */
#ifndef LJ_HTTP_CURL_FAULT_H
#define LJ_HTTP_CURL_FAULT_H

#include <curl/curl.h>

#include "base/fault.h"

/* The engine's code for a transfer that curl could not finish, with the remedy in `fault`. `detail` is curl's error buffer.
 * Returns fault->code. */
int lj_curl_fault(CURL *easy, CURLcode result, const char *target, const char *detail, lj_fault *fault);

#endif
