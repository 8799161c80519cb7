/* SPDX-License-Identifier: MIT
 *
 * Finding and naming the trouble that a provider reports, in a body of any of the forms that servers and the proxies before
 * them use.
 */
#ifndef LJ_PROVIDER_ERROR_H
#define LJ_PROVIDER_ERROR_H

#include "provider/provider.h"

/* Borrowed from the JSON that it was found in. */
typedef struct lj_provider_error {
  const char *message; /* "" when it gave no words */
  const char *code;    /* "" when it has none, or only a number */
  const char *type;    /* as code */
  int status;          /* a number in 400…599 given as code or status, else 0 */
  int known;           /* the class, where more than the words tell it (rpc_status.h); else LJ_OK */
  int64_t retry_after_ms; /* what the error itself asks for, −1: not said */
} lj_provider_error;

/* Looks for {"error": {…} or "text"}, {"object": "error", …}, {"type": "error", …}, and those in an array. With `loose` also
 * for {"message": …}, {"detail": …} and a bare string: what is only an error because the status, the event's name or the lack
 * of an answer says so. */
bool lj_error_find(const cJSON *json, bool loose, lj_provider_error *out);

/* The class of an error inside an answer with status 200, whose own status means nothing. */
int lj_error_class(const lj_provider_error *error);

/* The class of an error under a status of 400 or more. Only some words may change what the status says. */
int lj_error_class_of_response(int status, const lj_provider_error *error);

/* Sets the fault of an error inside an answer; returns its code. */
int lj_error_report(const lj_provider_error *error, lj_fault *fault);

/* lj_provider.classify of every format: the status decides, refined by the error's code, type and words. */
void lj_error_classify(const lj_head *head, const cJSON *body, const char *raw, size_t raw_length, lj_fault *fault);

/* Whether `text` contains `words`, which are lower case, in any case. */
bool lj_error_says(const char *text, const char *words);

/* True when the first bytes are those of an HTML page: a proxy's, or a wrong baseUrl. */
bool lj_error_is_html(const char *raw, size_t length);

#endif
