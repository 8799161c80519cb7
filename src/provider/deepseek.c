/* SPDX-License-Identifier: MIT */
#include "provider/deepseek.h"

#include "base/json.h"
#include "base/memory.h"
#include "provider/openai.h"
#include "provider/wire.h"

static int keep_thoughts(lj_reading *reading, const cJSON *data, const char *part) {
  const cJSON *choices = lj_json_array(data, "choices");
  const char *thoughts = lj_json_string(lj_json_object(choices != NULL ? choices->child : NULL, part), "reasoning_content");
  return thoughts != NULL ? lj_buffer_append_text(&reading->answer->thoughts.text, thoughts) : LJ_OK;
}

static int sign_calls(lj_answer *answer) {
  if (answer->call_count == 0 || answer->thoughts.text.length == 0 || answer->calls[0].signature != NULL) {
    return LJ_OK;
  }
  answer->calls[0].signature = lj_strdup(answer->thoughts.text.data);
  return answer->calls[0].signature != NULL ? LJ_OK : LJ_NOMEM;
}

int lj_deepseek_read_event(lj_reading *reading, const char *event, const cJSON *data) {
  int rc = keep_thoughts(reading, data, "delta");
  return rc == LJ_OK ? lj_openai_read_event(reading, event, data) : rc;
}

int lj_deepseek_read_body(lj_reading *reading, const cJSON *body) {
  int rc = keep_thoughts(reading, body, "message");
  if (rc == LJ_OK) {
    rc = lj_openai_read_body(reading, body);
  }
  return rc == LJ_OK ? sign_calls(reading->answer) : rc;
}

int lj_deepseek_read_end(lj_reading *reading) {
  int rc = lj_openai_read_end(reading);
  return rc == LJ_OK ? sign_calls(reading->answer) : rc;
}

int lj_deepseek_add_thoughts(cJSON *message, const cJSON *source) {
  const cJSON *calls = lj_json_array(source, "toolCalls");
  const char *thoughts = lj_json_string(calls != NULL ? calls->child : NULL, "signature");
  return thoughts != NULL ? lj_json_refer_string(message, "reasoning_content", thoughts) : LJ_OK;
}

int lj_deepseek_add_reasoning(cJSON *body, const char *effort) {
  cJSON *thinking;
  int rc;
  if (lj_text_is(effort, "none")) {
    thinking = cJSON_CreateObject();
    rc = lj_json_put_value(body, "thinking", thinking);
    return rc == LJ_OK ? lj_json_refer_string(thinking, "type", "disabled") : rc;
  }
  if (lj_text_is(effort, "minimal")) {
    effort = "low";
  } else if (lj_text_is(effort, "medium") || lj_text_is(effort, "xhigh")) { /* as DeepSeek itself takes these names */
    effort = "high";
  }
  return lj_json_refer_string(body, "reasoning_effort", effort);
}
