/* SPDX-License-Identifier: MIT */
#include "provider/twin.h"

#include <string.h>

#include "base/limits.h"
#include "base/utf8.h"

enum { MAX_EVENT = 4096 }; /* longer ones are rare, and bring much text each */

/* Members that differ from event to event and mean nothing to any reader: OpenAI's padding against guesses by length, and the
 * time that Ollama says. */
static const char *const ignored[] = {"obfuscation", "created_at"};

void lj_twin_init(lj_twin *twin) {
  twin->known = false;
  lj_buffer_init(&twin->event, MAX_EVENT);
  lj_buffer_init(&twin->text, MAX_EVENT);
}

void lj_twin_free(lj_twin *twin) {
  lj_buffer_free(&twin->event);
  lj_buffer_free(&twin->text);
}

void lj_twin_forget(lj_twin *twin) { twin->known = false; }

/* What the character behind a backslash stands for, 0 for \u and for what is no escape. */
static char escaped(char byte) {
  static const char known[] = "\"\"\\\\//b\bf\fn\nr\rt\t";
  const char *found = byte != '\0' ? strchr(known, byte) : NULL;
  return found != NULL && (found - known) % 2 == 0 ? found[1] : '\0';
}

/* Reads the string whose first byte is at `at`, into `out` unless that is NULL. *end is at its closing quote. False when it is
 * not plain, or not closed. */
static bool read_string(const char *data, size_t at, size_t length, lj_buffer *out, size_t *end) {
  if (out != NULL) lj_buffer_clear(out);
  while (at < length && data[at] != '"') {
    size_t plain = at;
    while (plain < length && data[plain] != '"' && data[plain] != '\\') {
      unsigned char byte = (unsigned char)data[plain];
      size_t size = byte >= 0x20 && byte < 0x80 ? 1 : byte < 0x20 ? 0 : lj_utf8_character(data + plain, length - plain);
      if (size == 0) return false;
      plain += size;
    }
    if (out != NULL && lj_buffer_append(out, data + at, plain - at) != LJ_OK) return false;
    at = plain;
    if (at + 1 < length && data[at] == '\\') {
      char byte = escaped(data[at + 1]);
      if (byte == '\0' || (out != NULL && lj_buffer_append_char(out, byte) != LJ_OK)) return false;
      at += 2;
    } else if (at < length && data[at] == '\\') {
      return false;
    }
  }
  *end = at;
  return at < length;
}

bool lj_twin_match(lj_twin *twin, const char *name, const char *data, size_t length) {
  size_t ours = 0; /* as far as the learned event has been compared */
  size_t at = 0;
  if (!twin->known || strcmp(twin->name, name) != 0) return false;
  for (int i = 0; i < twin->hole_count; i++) {
    size_t same = twin->holes[i].from - ours;
    if (length - at < same || memcmp(data + at, twin->event.data + ours, same) != 0) return false;
    at += same;
    if (!read_string(data, at, length, i == twin->text_hole ? &twin->text : NULL, &at)) return false;
    ours = twin->holes[i].to;
  }
  return length - at == twin->event.length - ours && memcmp(data + at, twin->event.data + ours, length - at) == 0;
}

static bool is_ignored(const lj_buffer *key) {
  for (size_t i = 0; i < sizeof ignored / sizeof ignored[0]; i++)
    if (strcmp(key->data, ignored[i]) == 0) return true;
  return false;
}

static bool add_hole(lj_twin *twin, size_t from, size_t to) {
  if (twin->hole_count == LJ_TWIN_HOLES) return false;
  twin->holes[twin->hole_count].from = from;
  twin->holes[twin->hole_count].to = to;
  twin->hole_count++;
  return true;
}

/* Goes through all strings of the event. */
static bool find_holes(lj_twin *twin, const char *text, size_t text_length) {
  const lj_buffer *event = &twin->event;
  bool value_ignored = false; /* the string before was the key of a member that means nothing */
  twin->hole_count = 0;
  twin->text_hole = -1;
  for (size_t at = 0; at < event->length; at++) {
    size_t from = at + 1;
    if (event->data[at] != '"') continue;
    if (!read_string(event->data, from, event->length, &twin->text, &at)) return false;
    bool key = at + 1 < event->length && event->data[at + 1] == ':';
    bool same = twin->text.length == text_length && memcmp(twin->text.data, text, text_length) == 0;
    if (same && !key && twin->text_hole >= 0) return false;
    if (same && !key) twin->text_hole = twin->hole_count;
    if (same && key) return false;
    if (!key && (same || value_ignored) && !add_hole(twin, from, at)) return false;
    value_ignored = key && is_ignored(&twin->text) && at + 2 < event->length && event->data[at + 2] == '"';
  }
  return twin->text_hole >= 0;
}

void lj_twin_learn(lj_twin *twin, const char *name, const char *data, size_t length, const char *text, size_t text_length) {
  twin->known = false;
  if (length > MAX_EVENT || text_length == 0 || strlen(name) >= sizeof twin->name) return;
  lj_buffer_clear(&twin->event);
  if (lj_buffer_append(&twin->event, data, length) != LJ_OK) return;
  memcpy(twin->name, name, strlen(name) + 1);
  twin->known = find_holes(twin, text, text_length);
}
