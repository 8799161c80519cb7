/* SPDX-License-Identifier: MIT */
#ifndef LJ_PROVIDER_TEMPLATE_H
#define LJ_PROVIDER_TEMPLATE_H

#include <cjson/cJSON.h>

#include "base/buffer.h"
#include "base/fault.h"

/* The member of `data` that holds a job's children; what leads nowhere in there is an empty text, because a child that may fail
 * has no result then. */
#define LJ_TEMPLATE_CHILDREN "children"

/* Appends `text` to `out` with every {{path}} replaced by the value that the path leads to in `data`. Braces around what is no
 * path (letters, digits, '_', '-', '$' and non-ASCII, in parts joined by dots) stay as they are. LJ_OK, LJ_NOMEM, or LJ_BAD_JOB
 * with the fault naming the path that leads nowhere. `where` names the field, for the message.
 * `only` (may be NULL): the one member of `data` whose paths are filled; all other braces stay as they are. */
int lj_template_fill(const char *text, const cJSON *data, const char *only, const char *where, lj_buffer *out,
                     lj_fault *fault) LJ_MUST_CHECK;

#endif
