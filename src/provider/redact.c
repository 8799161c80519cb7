/* SPDX-License-Identifier: MIT */
#include "provider/redact.h"

#include <stdbool.h>
#include <string.h>

#include "base/fault.h"

enum {
  MIN_PREFIXED = 8, /* servers mask keys ("sk-ab***yz"): what is left of one is short, but still a part of it */
  MIN_BEARER = 16
};

static const char *const prefixes[] = {"sk-", "sk_", "pk-", "rk-", "gsk_", "xai-", "AIza", "hf_", "nvapi-", "pplx-", "key-", "ghp_"};

static const char replacement[] = "[key]";

/* What keys are made of; '*' because they are masked with it. */
static bool is_key_byte(char byte) {
  return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || (byte >= '0' && byte <= '9') || byte == '-' ||
         byte == '_' || byte == '*' || byte == '.' || byte == '+' || byte == '/' || byte == '=' || byte == '~';
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

void lj_redact(char *out, size_t size, const char *text, size_t length) {
  size_t from = 0;
  size_t to = 0;
  bool after_bearer = false;
  while (from < length && to + 1 < size) {
    size_t end = word_end(text, from, length);
    size_t word = end - from;
    const char *source = text + from;
    if (word == 0) { /* a run of bytes that no key is made of */
      while (end < length && !is_key_byte(text[end])) {
        end++;
      }
      word = end - from;
    } else {
      bool is_key = has_key_prefix(source, word) || (after_bearer && word >= MIN_BEARER);
      after_bearer = is_word(source, word, "bearer");
      if (is_key) {
        source = replacement;
        word = sizeof replacement - 1;
      }
    }
    lj_text_copy(out + to, size - to, source, word);
    to += strlen(out + to);
    from = end;
  }
  if (to == 0 && size > 0) {
    out[0] = '\0';
  }
}
