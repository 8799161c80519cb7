/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "provider/anthropic.h"
#include "provider/wire.h"

/* One more block behind those that are kept. The list stays open: give_thoughts closes it. */
static int keep_block(lj_answer *answer, const cJSON *block) {
  int rc = lj_buffer_append_char(&answer->thoughts.blocks, answer->thoughts.blocks.length == 0 ? '[' : ',');
  return rc == LJ_OK ? lj_json_print(block, &answer->thoughts.blocks) : rc;
}

int lj_anthropic_begin_thought(lj_answer *answer, const cJSON *block) {
  if (!lj_text_is(lj_json_string(block, "type"), "thinking")) { /* redacted: always whole, and opaque */
    return keep_block(answer, block);
  }
  answer->thoughts.open = true;
  lj_buffer_clear(&answer->thoughts.text);
  lj_buffer_clear(&answer->thoughts.signature);
  return lj_anthropic_continue_thought(answer, lj_json_string(block, "thinking"), lj_json_string(block, "signature"));
}

int lj_anthropic_continue_thought(lj_answer *answer, const char *thinking, const char *signature) {
  int rc = LJ_OK;
  if (answer->thoughts.open && thinking != NULL) {
    rc = lj_buffer_append_text(&answer->thoughts.text, thinking);
  }
  if (rc == LJ_OK && answer->thoughts.open && signature != NULL) {
    rc = lj_buffer_append_text(&answer->thoughts.signature, signature);
  }
  return rc;
}

int lj_anthropic_end_thought(lj_answer *answer) {
  cJSON *block;
  int rc;
  if (!answer->thoughts.open) {
    return LJ_OK;
  }
  answer->thoughts.open = false;
  if (answer->thoughts.signature.length == 0) { /* unsigned ones of compatible servers are not wanted back */
    return LJ_OK;
  }
  block = cJSON_CreateObject();
  rc = block == NULL ? LJ_NOMEM : lj_json_refer_string(block, "type", "thinking");
  if (rc == LJ_OK) {
    rc = lj_json_refer_string(block, "thinking", answer->thoughts.text.data);
  }
  if (rc == LJ_OK) {
    rc = lj_json_refer_string(block, "signature", answer->thoughts.signature.data);
  }
  if (rc == LJ_OK) {
    rc = keep_block(answer, block);
  }
  cJSON_Delete(block);
  return rc;
}

int lj_anthropic_give_thoughts(lj_answer *answer, lj_tool_call *call) {
  int rc = lj_anthropic_end_thought(answer);
  if (rc != LJ_OK || answer->thoughts.blocks.length == 0) {
    return rc;
  }
  rc = lj_buffer_append_char(&answer->thoughts.blocks, ']');
  if (rc == LJ_OK) {
    call->signature = lj_strdup(answer->thoughts.blocks.data);
    rc = call->signature != NULL ? LJ_OK : LJ_NOMEM;
  }
  lj_buffer_clear(&answer->thoughts.blocks);
  return rc;
}

static bool is_thought(const cJSON *block) {
  const char *type = lj_json_string(block, "type");
  return lj_text_is(type, "thinking") || lj_text_is(type, "redacted_thinking");
}

int lj_anthropic_add_thoughts(cJSON *content, const cJSON *call) {
  const char *signature = lj_json_string(call, "signature");
  cJSON *blocks = NULL;
  int rc;
  if (signature == NULL || signature[0] != '[') {
    return LJ_OK;
  }
  rc = lj_json_parse(signature, strlen(signature), &blocks);
  while (rc == LJ_OK && blocks->child != NULL) {
    cJSON *block = cJSON_DetachItemViaPointer(blocks, blocks->child);
    if (is_thought(block)) {
      rc = lj_json_push_value(content, block);
    } else {
      cJSON_Delete(block);
    }
  }
  cJSON_Delete(blocks);
  return rc == LJ_INVALID ? LJ_OK : rc;
}
