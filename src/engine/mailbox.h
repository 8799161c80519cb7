/* SPDX-License-Identifier: MIT
 *
 * Messages to the engine's thread. Any thread posts; only the engine's thread takes. The lock is held for a few pointer
 * operations and never while something else is called.
 */
#ifndef LJ_ENGINE_MAILBOX_H
#define LJ_ENGINE_MAILBOX_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/thread.h"

typedef struct lj_letter {
  struct lj_letter *next;
  char text[]; /* JSON, NUL-terminated */
} lj_letter;

typedef struct lj_mailbox {
  lj_mutex lock;      /* guards first, last and count */
  lj_letter *first;
  lj_letter *last;
  size_t count;
  atomic_bool notified; /* "look now" */
  atomic_bool stop;
} lj_mailbox;

int lj_mailbox_init(lj_mailbox *mailbox) LJ_MUST_CHECK;
void lj_mailbox_destroy(lj_mailbox *mailbox);

/* LJ_OK, LJ_NOMEM, LJ_TOO_BIG, or LJ_BUSY when LJ_MAX_COMMANDS wait. */
int lj_mailbox_post(lj_mailbox *mailbox, const char *text) LJ_MUST_CHECK;
/* All letters in order of arrival, or NULL; the caller frees each with lj_free. */
lj_letter *lj_mailbox_take(lj_mailbox *mailbox);

/* True when the flag was not set before: only then does the thread need waking. */
bool lj_mailbox_notify(lj_mailbox *mailbox);
/* Reads and clears the flag. */
bool lj_mailbox_notified(lj_mailbox *mailbox);

#endif
