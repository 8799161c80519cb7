/* SPDX-License-Identifier: MIT
 *
 * Servers like to quote the request that they refuse. An error is read by more people than the prompt was written for (logs,
 * bug reports), so what a message repeats of the job's own texts is taken out of it.
 */
#ifndef LJ_PROVIDER_QUOTES_H
#define LJ_PROVIDER_QUOTES_H

#include <cjson/cJSON.h>

#include "base/fault.h"

/* Replaces by "[…]" what the fault's message shares with the texts of a prepared request (system, messages, input): every run of
 * at least 20 bytes, and a text of 12 or more that is there as a whole. Shorter pieces are words that anybody may use. Reads
 * each text once, however long. */
void lj_quotes_hide(lj_fault *fault, const cJSON *request);

#endif
