/* SPDX-License-Identifier: MIT */
#include "engine/mailbox.h"

#include <string.h>

#include "base/limits.h"
#include "base/memory.h"

int lj_mailbox_init(lj_mailbox *mailbox) {
  memset(mailbox, 0, sizeof *mailbox);
  atomic_init(&mailbox->notified, false);
  atomic_init(&mailbox->stop, false);
  return lj_mutex_init(&mailbox->lock);
}

void lj_mailbox_destroy(lj_mailbox *mailbox) {
  for (lj_letter *letter = lj_mailbox_take(mailbox), *next; letter != NULL; letter = next) {
    next = letter->next;
    lj_free(letter);
  }
  lj_mutex_destroy(&mailbox->lock);
}

int lj_mailbox_post(lj_mailbox *mailbox, const char *text) {
  size_t length = strlen(text);
  if (length > LJ_MAX_COMMAND_BYTES) return LJ_TOO_BIG;
  lj_letter *letter = lj_malloc(sizeof *letter + length + 1);
  if (letter == NULL) return LJ_NOMEM;
  letter->next = NULL;
  memcpy(letter->text, text, length + 1);

  lj_mutex_lock(&mailbox->lock);
  bool full = mailbox->count >= LJ_MAX_COMMANDS;
  if (!full) {
    if (mailbox->last != NULL)
      mailbox->last->next = letter;
    else
      mailbox->first = letter;
    mailbox->last = letter;
    mailbox->count++;
  }
  lj_mutex_unlock(&mailbox->lock);
  if (full) lj_free(letter);
  return full ? LJ_BUSY : LJ_OK;
}

lj_letter *lj_mailbox_take(lj_mailbox *mailbox) {
  lj_mutex_lock(&mailbox->lock);
  lj_letter *first = mailbox->first;
  mailbox->first = NULL;
  mailbox->last = NULL;
  mailbox->count = 0;
  lj_mutex_unlock(&mailbox->lock);
  return first;
}

bool lj_mailbox_notify(lj_mailbox *mailbox) { return !atomic_exchange(&mailbox->notified, true); }

bool lj_mailbox_notified(lj_mailbox *mailbox) {
  /* Read before writing: most turns find it clear, and a plain load does not take the cache line from the posting thread. */
  return atomic_load(&mailbox->notified) && atomic_exchange(&mailbox->notified, false);
}
