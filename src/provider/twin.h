/* SPDX-License-Identifier: MIT
 *
 * Nearly every event of a stream is the twin of the one before: byte for byte the same but for the piece of text that it brings.
 * A twin's text is taken from its bytes without reading them as JSON, which is what most of the time of a stream would go into.
 *
 * That is sound because equal bytes mean the same to the reader as they did one event ago, and the event that was learned did
 * nothing but add one piece of text, which stands in it as one string. The caller forgets the learned event whenever one
 * comes that is no twin, so nothing can have changed the reader's mind in between.
 */
#ifndef LJ_PROVIDER_TWIN_H
#define LJ_PROVIDER_TWIN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"

enum { LJ_TWIN_HOLES = 2 };

typedef struct lj_twin {
  bool known;
  lj_buffer event; /* the bytes that were learned */
  char name[32];   /* the SSE name of that event */
  struct {         /* the strings that may differ, in order: what stands between their quotes */
    size_t from;
    size_t to;
  } holes[LJ_TWIN_HOLES];
  int hole_count;
  int text_hole;   /* which of them is the text */
  lj_buffer text;  /* of the last twin */
} lj_twin;

void lj_twin_init(lj_twin *twin);
void lj_twin_free(lj_twin *twin);
void lj_twin_forget(lj_twin *twin);

/* Whether `data` is a twin of the learned event; then its text is in twin->text. Anything that is not plain, a \u escape, a
 * control character, bytes that are no UTF-8 or a shortage of memory, makes it none: it is then read as any other event. */
bool lj_twin_match(lj_twin *twin, const char *name, const char *data, size_t length);

/* Learns an event that has just been read and that did nothing but add `text` by one call of lj_answer_add_text. Learns nothing
 * when the text does not stand in it as exactly one string. */
void lj_twin_learn(lj_twin *twin, const char *name, const char *data, size_t length, const char *text, size_t text_length);

#endif
