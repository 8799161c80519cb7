/* SPDX-License-Identifier: MIT
 *
 * The clock has been set back: times in rows that were reckoned by its later reading are too far away now. What the engine
 * itself has reckoned is reckoned anew, the wait before a retry and the next occurrence of a job that repeats. A time that the
 * app chose stays as it is.
 */
#ifndef LJ_QUEUE_SETBACK_H
#define LJ_QUEUE_SETBACK_H

#include <stdbool.h>
#include <stdint.h>

#include "queue/follow.h"
#include "queue/store.h"

/* Takes no lock: whether any row was changed at a time that has yet to come. One look-up. */
int lj_setback_look(lj_store *store, int64_t now, bool *found) LJ_MUST_CHECK;

/* Inside a transaction. Done twice, also by several workers, it is as good as done once. */
int lj_setback_mend(lj_follow *follow) LJ_MUST_CHECK;

#endif
