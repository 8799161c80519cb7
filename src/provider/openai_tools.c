/* SPDX-License-Identifier: MIT
 *
 * Tool calls arrive in pieces that belong together by `index`, by `id`, or by neither, depending on the server:
 *   - OpenAI: the first piece has index, id and name, the others only index and a part of the arguments.
 *   - Some repeat id and name in each piece; some count from 1; some leave index or id out, or send an empty id.
 *   - Some send each call whole, all with index 0, told apart only by their ids.
 *   - Some send the arguments as an object rather than as text.
 */
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "provider/openai.h"

/* The index of the form before tools, of which there is only one; no server sends it. */
static const int64_t FUNCTION_CALL = -2;

static lj_tool_call *last_with_index(lj_answer *answer, int64_t index) {
  size_t at = answer->call_count;
  while (at > 0) {
    at--;
    if (answer->calls[at].wire_index == index) {
      return &answer->calls[at];
    }
  }
  return NULL;
}

static lj_tool_call *with_id(lj_answer *answer, const char *id) {
  size_t at;
  for (at = 0; at < answer->call_count; at++) {
    if (answer->calls[at].id_given && strcmp(answer->calls[at].id, id) == 0) {
      return &answer->calls[at];
    }
  }
  return NULL;
}

/* The call that this piece continues, or NULL when it begins one. Empty texts mean the same as missing ones. */
static lj_tool_call *continued(lj_answer *answer, int64_t index, const char *id, const char *name) {
  lj_tool_call *call = id[0] != '\0' ? with_id(answer, id) : NULL;
  if (call != NULL) {
    return call;
  }
  if (index != LJ_UNKNOWN) {
    call = last_with_index(answer, index);
    return call != NULL && id[0] != '\0' && call->id_given ? NULL : call; /* another id under the same index: another call */
  }
  if (id[0] == '\0' && name[0] == '\0' && answer->call_count > 0) {
    return &answer->calls[answer->call_count - 1];
  }
  return NULL;
}

static int replace(char **text, const char *by) {
  char *copy = lj_strdup(by);
  if (copy == NULL) {
    return LJ_NOMEM;
  }
  lj_free(*text);
  *text = copy;
  return LJ_OK;
}

/* What an earlier piece did not say yet. */
static int complete(lj_tool_call *call, const char *id, const char *name) {
  int rc = LJ_OK;
  if (!call->id_given && id[0] != '\0') {
    rc = replace(&call->id, id);
    call->id_given = rc == LJ_OK;
  }
  if (rc == LJ_OK && call->name[0] == '\0' && name[0] != '\0') {
    rc = replace(&call->name, name);
  }
  return rc;
}

static int add_arguments(lj_tool_call *call, const cJSON *arguments) {
  if (cJSON_IsString(arguments)) {
    return lj_buffer_append_text(&call->arguments, arguments->valuestring);
  }
  if (cJSON_IsObject(arguments)) { /* always whole: a repeated one replaces the former */
    lj_buffer_clear(&call->arguments);
    return lj_json_print(arguments, &call->arguments);
  }
  return LJ_OK;
}

static int read_piece(lj_answer *answer, int64_t index, const char *id, const cJSON *function) {
  const char *name = lj_json_string(function, "name");
  lj_tool_call *call;
  int rc = LJ_OK;
  id = id != NULL ? id : "";
  name = name != NULL ? name : "";
  call = continued(answer, index, id, name);
  if (call == NULL) {
    rc = lj_answer_add_call(answer, id, name, &call);
    if (rc == LJ_OK) {
      call->wire_index = index;
    }
  } else {
    rc = complete(call, id, name);
  }
  return rc == LJ_OK ? add_arguments(call, lj_json_get(function, "arguments")) : rc;
}

int lj_openai_read_tool_calls(lj_answer *answer, const cJSON *list) {
  const cJSON *piece;
  cJSON_ArrayForEach(piece, list) {
    int64_t index = lj_json_int(piece, "index", LJ_UNKNOWN);
    int rc = read_piece(answer, index < 0 ? LJ_UNKNOWN : index, lj_json_string(piece, "id"), lj_json_object(piece, "function"));
    if (rc != LJ_OK) {
      return rc;
    }
  }
  return LJ_OK;
}

int lj_openai_read_function_call(lj_answer *answer, const cJSON *function) {
  return function != NULL ? read_piece(answer, FUNCTION_CALL, NULL, function) : LJ_OK;
}
