/* SPDX-License-Identifier: MIT */
#include "provider/head.h"

#include <string.h>

#include "base/ascii.h"
#include "base/clock.h"

void lj_head_clear(lj_head *head, int status) {
  memset(head, 0, sizeof *head);
  lj_rate_head_clear(head->rates);
  head->status = status;
}

static bool same_name(const char *name, size_t length, const char *lower) {
  size_t at;
  for (at = 0; at < length && lower[at] != '\0'; at++) {
    if (lj_ascii_lower(name[at]) != lower[at]) {
      return false;
    }
  }
  return at == length && lower[at] == '\0';
}

void lj_head_read(lj_head *head, const char *name, size_t name_length, const char *value, size_t value_length) {
  const struct {
    const char *name;
    char *out;
    size_t size;
  } kept[] = {
      {"content-type", head->content_type, sizeof head->content_type},
      {"retry-after", head->retry_after, sizeof head->retry_after},
      {"retry-after-ms", head->retry_after_ms, sizeof head->retry_after_ms},
      {"x-should-retry", head->should_retry, sizeof head->should_retry},
      {"x-request-id", head->request_id, sizeof head->request_id},
      {"request-id", head->request_id, sizeof head->request_id},
      {"x-generation-id", head->request_id, sizeof head->request_id}, /* OpenRouter */
      {"x-deepseek-request-id", head->request_id, sizeof head->request_id},
  };
  size_t at;
  while (value_length > 0 && (unsigned char)value[value_length - 1] <= ' ') {
    value_length--;
  }
  while (value_length > 0 && (unsigned char)value[0] <= ' ') {
    value++;
    value_length--;
  }
  for (at = 0; at < sizeof kept / sizeof kept[0]; at++) {
    if (same_name(name, name_length, kept[at].name)) {
      lj_text_copy(kept[at].out, kept[at].size, value, value_length);
    }
  }
  lj_rate_head_read(head->rates, name, name_length, value, value_length, lj_wall_ms());
}
