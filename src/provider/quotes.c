/* SPDX-License-Identifier: MIT
 *
 * The message is short, the texts may be long: all pieces of RUN bytes of the message go into a hash table, then a rolling hash
 * goes over each text once.
 */
#include "provider/quotes.h"

#include <stdbool.h>
#include <string.h>

#include "base/json.h"

enum {
  RUN = 20,
  WHOLE = 12,
  BASE = 257,
  BUCKETS = 4096, /* a power of two, more than a message has pieces */
  MAX_MESSAGE = sizeof(((lj_fault *)0)->message),
  MAX_DEPTH = 16, /* of the request: a part of a message is five deep */
  NONE = UINT16_MAX
};

typedef struct quotes {
  const char *message;
  size_t length;
  uint32_t leaving;              /* BASE to the power of RUN − 1: what the oldest byte of a run weighs */
  uint16_t buckets[BUCKETS];     /* newest piece of each, NONE: none */
  uint16_t older[MAX_MESSAGE];   /* the next piece of the same bucket */
  uint32_t hashes[MAX_MESSAGE];
  bool hidden[MAX_MESSAGE];
} quotes;

static uint32_t hash_of(const char *text) {
  uint32_t hash = 0;
  for (size_t i = 0; i < RUN; i++) hash = hash * BASE + (unsigned char)text[i];
  return hash;
}

static size_t bucket_of(uint32_t hash) { return (hash ^ (hash >> 15)) & (BUCKETS - 1); }

static void begin(quotes *all, const char *message) {
  all->message = message;
  all->length = strlen(message);
  all->leaving = 1;
  for (size_t i = 1; i < RUN; i++) all->leaving *= BASE;
  memset(all->buckets, 0xFF, sizeof all->buckets);
  memset(all->hidden, 0, sizeof all->hidden);
  for (size_t at = 0; at + RUN <= all->length; at++) {
    all->hashes[at] = hash_of(message + at);
    size_t bucket = bucket_of(all->hashes[at]);
    all->older[at] = all->buckets[bucket];
    all->buckets[bucket] = (uint16_t)at;
  }
}

static void hide(quotes *all, size_t from, size_t length) {
  for (size_t i = 0; i < length; i++) all->hidden[from + i] = true;
}

static void compare_piece(quotes *all, uint32_t hash, const char *text) {
  for (uint16_t at = all->buckets[bucket_of(hash)]; at != NONE; at = all->older[at])
    if (all->hashes[at] == hash && !(all->hidden[at] && all->hidden[at + RUN - 1]) && memcmp(all->message + at, text, RUN) == 0)
      hide(all, at, RUN);
}

static void compare_text(quotes *all, const char *text) {
  size_t length = strlen(text);
  if (length >= WHOLE && length < RUN) {
    for (const char *found = strstr(all->message, text); found != NULL; found = strstr(found + 1, text))
      hide(all, (size_t)(found - all->message), length);
    return;
  }
  if (length < RUN || all->length < RUN) return;
  uint32_t hash = hash_of(text);
  compare_piece(all, hash, text);
  for (size_t at = 1; at + RUN <= length; at++) {
    hash -= all->leaving * (unsigned char)text[at - 1];
    hash = hash * BASE + (unsigned char)text[at + RUN - 1];
    compare_piece(all, hash, text + at);
  }
}

/* Every string below `item`, which has no cycles; its names are the format's and no secret. */
static void compare_tree(quotes *all, const cJSON *item, int depth) {
  const cJSON *child = NULL;
  if (cJSON_IsString(item)) compare_text(all, item->valuestring);
  if (depth > 0) cJSON_ArrayForEach(child, item) compare_tree(all, child, depth - 1);
}

/* A character is hidden as a whole: half of one is no UTF-8. */
static void widen(quotes *all) {
  for (size_t at = 0; at < all->length;) {
    size_t end = at + 1;
    while (end < all->length && ((unsigned char)all->message[end] & 0xC0) == 0x80) end++;
    bool any = false;
    for (size_t i = at; i < end; i++) any = any || all->hidden[i];
    if (any) hide(all, at, end - at);
    at = end;
  }
}

void lj_quotes_hide(lj_fault *fault, const cJSON *request) {
  static const char *const members[] = {"system", "messages", "input"};
  static const char instead[] = "[\xE2\x80\xA6]";
  quotes all;
  size_t to = 0;
  if (fault->message[0] == '\0' || request == NULL) return;
  begin(&all, fault->message);
  for (size_t i = 0; i < sizeof members / sizeof members[0]; i++) compare_tree(&all, lj_json_get(request, members[i]), MAX_DEPTH);
  widen(&all);
  /* What replaces is shorter than the shortest that is hidden, so the text only shrinks. */
  for (size_t at = 0; at < all.length; at++) {
    if (!all.hidden[at]) {
      fault->message[to++] = fault->message[at];
    } else if (at == 0 || !all.hidden[at - 1]) {
      memcpy(fault->message + to, instead, sizeof instead - 1);
      to += sizeof instead - 1;
    }
  }
  fault->message[to] = '\0';
}
