/* SPDX-License-Identifier: MIT */
#include "provider/redact.h"

#include <stdbool.h>
#include <string.h>

#include "base/ascii.h"
#include "base/fault.h"

enum {
  MIN_PREFIXED = 8, /* servers mask keys ("sk-ab***yz"): what is left of one is short, but still a part of it */
  MIN_BEARER = 16
};

static const char *const prefixes[] = {"sk-", "sk_", "pk-", "rk-", "gsk_", "xai-", "AIza", "hf_", "nvapi-", "pplx-", "ghp_"};

static const char replacement[] = "[key]";

/* What keys are made of; '*' because they are masked with it. */
static bool is_key_byte(char byte) {
  return lj_ascii_is_alphanumeric(byte) || byte == '-' || byte == '_' || byte == '*' || byte == '.' || byte == '+' ||
         byte == '/' || byte == '=' || byte == '~';
}

static bool has_key_prefix(const char *word, size_t length) {
  size_t at;
  for (at = 0; at < sizeof prefixes / sizeof prefixes[0]; at++) {
    size_t prefix = strlen(prefixes[at]);
    if (length >= MIN_PREFIXED && length > prefix && memcmp(word, prefixes[at], prefix) == 0) {
      return true;
    }
  }
  return false;
}

/* Where a key begins in this word, as in "api_key=sk-…"; its length when there is none. */
static size_t key_at(const char *word, size_t length) {
  size_t at;
  for (at = 0; at < length; at++) {
    bool begins = at == 0 || strchr("=/.+~*", word[at - 1]) != NULL;
    if (begins && has_key_prefix(word + at, length - at)) {
      return at;
    }
  }
  return length;
}

static bool is_word(const char *word, size_t length, const char *lower) {
  size_t at;
  if (length != strlen(lower)) {
    return false;
  }
  for (at = 0; at < length; at++) {
    if ((word[at] | 0x20) != lower[at]) {
      return false;
    }
  }
  return true;
}

static size_t word_end(const char *text, size_t from, size_t length) {
  while (from < length && is_key_byte(text[from])) {
    from++;
  }
  return from;
}

/* Appends at `to` and returns where the text ends now. */
static size_t put(char *out, size_t size, size_t to, const char *text, size_t length) {
  lj_text_copy(out + to, size - to, text, length);
  return to + strlen(out + to);
}

void lj_redact(char *out, size_t size, const char *text, size_t length) {
  size_t from = 0;
  size_t to = 0;
  bool after_bearer = false;
  if (size > 0) {
    out[0] = '\0';
  }
  while (from < length && to + 1 < size) {
    size_t end = word_end(text, from, length);
    size_t shown = end - from;
    if (shown == 0) { /* a run of bytes that no key is made of */
      while (end < length && !is_key_byte(text[end])) {
        end++;
      }
      to = put(out, size, to, text + from, end - from);
    } else {
      shown = after_bearer && shown >= MIN_BEARER ? 0 : key_at(text + from, shown);
      after_bearer = is_word(text + from, end - from, "bearer");
      to = put(out, size, to, text + from, shown);
      if (from + shown < end) {
        to = put(out, size, to, replacement, sizeof replacement - 1);
      }
    }
    from = end;
  }
}
