/* SPDX-License-Identifier: MIT */
#include "provider/head.h"

#include <stddef.h>
#include <string.h>

#include "base/ascii.h"
#include "base/clock.h"

void lj_head_clear(lj_head *head, int status) {
  head->status = status;
  head->content_type[0] = '\0';
  head->retry_after[0] = '\0';
  head->retry_after_ms[0] = '\0';
  head->should_retry[0] = '\0';
  head->request_id[0] = '\0';
  lj_rate_head_clear(head->rates);
}

#define KEPT(name, field) {name, sizeof(name) - 1, offsetof(lj_head, field), sizeof(((lj_head *)NULL)->field)}

static const struct {
  const char *name;
  size_t length;
  size_t at;
  size_t size;
} kept[] = {
    KEPT("content-type", content_type),
    KEPT("retry-after", retry_after),
    KEPT("retry-after-ms", retry_after_ms),
    KEPT("x-should-retry", should_retry),
    KEPT("x-request-id", request_id),
    KEPT("request-id", request_id),
    KEPT("x-generation-id", request_id), /* OpenRouter */
    KEPT("x-deepseek-request-id", request_id),
};

static bool same_name(const char *name, const char *lower, size_t length) {
  size_t at = 0;
  while (at < length && lj_ascii_lower(name[at]) == lower[at]) {
    at++;
  }
  return at == length;
}

void lj_head_read(lj_head *head, const char *name, size_t name_length, const char *value, size_t value_length) {
  size_t at;
  while (value_length > 0 && (unsigned char)value[value_length - 1] <= ' ') {
    value_length--;
  }
  while (value_length > 0 && (unsigned char)value[0] <= ' ') {
    value++;
    value_length--;
  }
  for (at = 0; at < sizeof kept / sizeof kept[0]; at++) {
    if (kept[at].length == name_length && same_name(name, kept[at].name, name_length)) {
      lj_text_copy((char *)head + kept[at].at, kept[at].size, value, value_length);
      return;
    }
  }
  if (lj_rate_head_is_one(name, name_length)) {
    lj_rate_head_read(head->rates, name, name_length, value, value_length, lj_wall_ms());
  }
}
