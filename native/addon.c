/* SPDX-License-Identifier: MIT
 *
 * The N-API face of the engine: start, send, notify, take, stop, versions. Each function reads its arguments, calls one
 * function of llmjobs.h and returns; there is no logic here.
 *
 * Threads: the engine's thread calls on_events, which only wakes the JavaScript thread; what has happened is fetched by take()
 * from there. Texts are copied both ways, because Electron's memory cage allows no memory of ours inside V8.
 *
 * Lifetime: start() → stop(). stop() joins the engine's thread. When the environment ends without it (a worker_thread is
 * terminated, the loop runs dry), the cleanup hook does the same; on process.exit and signals nothing runs, and the queue's
 * leases bring the jobs back.
 */
#include <node_api.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "llmjobs.h"

typedef struct handle {
  lj_engine *engine;            /* NULL once stopped */
  napi_threadsafe_function wake;
  napi_env env;
} handle;

/* Lets the type tag of an external tell our handles from other addons'. */
static const napi_type_tag handle_tag = {0x6c6c6d2d6a6f6273, 0x656e67696e653031};

#define CHECK(call)                                                                 \
  do {                                                                              \
    if ((call) != napi_ok) {                                                        \
      throw_pending(env);                                                           \
      return NULL;                                                                  \
    }                                                                               \
  } while (0)

static void throw_pending(napi_env env) {
  bool pending = false;
  const napi_extended_error_info *info = NULL;
  if (napi_is_exception_pending(env, &pending) != napi_ok || pending) return;
  const char *message = napi_get_last_error_info(env, &info) == napi_ok && info->error_message != NULL ? info->error_message
                                                                                                      : "an N-API call failed";
  (void)napi_throw_error(env, "INVALID", message);
}

/* Caller frees with free. NULL: an exception is pending. */
static char *dup_text(napi_env env, napi_value value) {
  size_t length = 0;
  if (napi_get_value_string_utf8(env, value, NULL, 0, &length) != napi_ok) {
    (void)napi_throw_type_error(env, "INVALID", "llm-jobs addon: a text was expected");
    return NULL;
  }
  char *text = malloc(length + 1);
  if (text == NULL || napi_get_value_string_utf8(env, value, text, length + 1, &length) != napi_ok) {
    free(text);
    (void)napi_throw_error(env, "NOMEM", "llm-jobs addon: memory is short");
    return NULL;
  }
  return text;
}

static void on_events(void *owner) {
  handle *self = owner;
  /* Fails only while the environment is closing, and then nobody is left to be woken. */
  (void)napi_call_threadsafe_function(self->wake, NULL, napi_tsfn_nonblocking);
}

static void call_listener(napi_env env, napi_value listener, void *context, void *data) {
  napi_value undefined = NULL;
  napi_value error = NULL;
  bool pending = false;
  (void)context;
  (void)data;
  if (env == NULL) return; /* the environment is being torn down */
  if (napi_get_undefined(env, &undefined) != napi_ok) return;
  (void)napi_call_function(env, undefined, listener, 0, NULL, NULL);
  if (napi_is_exception_pending(env, &pending) == napi_ok && pending &&
      napi_get_and_clear_last_exception(env, &error) == napi_ok)
    (void)napi_fatal_exception(env, error);
}

static void close_handle(handle *self) {
  if (self->engine == NULL) return;
  lj_engine_stop(self->engine);
  self->engine = NULL;
  (void)napi_release_threadsafe_function(self->wake, napi_tsfn_abort);
}

static void on_environment_end(void *data) { close_handle(data); }

static void finalize_handle(napi_env env, void *data, void *hint) {
  handle *self = data;
  (void)hint;
  if (self->engine != NULL) (void)napi_remove_env_cleanup_hook(env, on_environment_end, self);
  close_handle(self);
  free(self);
}

static handle *read_handle(napi_env env, napi_value value, bool needs_engine) {
  handle *self = NULL;
  bool ours = false;
  if (napi_check_object_type_tag(env, value, &handle_tag, &ours) != napi_ok || !ours ||
      napi_get_value_external(env, value, (void **)&self) != napi_ok) {
    (void)napi_throw_type_error(env, "INVALID", "llm-jobs addon: the handle that start() returned was expected");
    return NULL;
  }
  if (needs_engine && self->engine == NULL) {
    (void)napi_throw_error(env, "CLOSED", "llm-jobs addon: the engine has been stopped");
    return NULL;
  }
  return self;
}

static void throw_start_error(napi_env env, int code, const char *text) {
  cJSON *error = NULL;
  const char *message = NULL;
  if (text != NULL && lj_json_parse(text, strlen(text), &error) == LJ_OK) message = lj_json_string(error, "message");
  (void)napi_throw_error(env, lj_engine_code_name(code), message != NULL ? message : "the engine can't start");
  cJSON_Delete(error);
}

/* start(configText, onEvents, messagesText?) → handle */
static napi_value start(napi_env env, napi_callback_info info) {
  size_t count = 3;
  napi_value arguments[3] = {NULL, NULL, NULL};
  napi_value name = NULL;
  napi_value external = NULL;
  napi_valuetype type = napi_undefined;
  CHECK(napi_get_cb_info(env, info, &count, arguments, NULL, NULL));
  CHECK(napi_typeof(env, arguments[1], &type));
  if (count < 2 || type != napi_function) {
    (void)napi_throw_type_error(env, "INVALID", "llm-jobs addon: start(configText, onEvents) needs a text and a function");
    return NULL;
  }
  CHECK(napi_create_string_utf8(env, "llm-jobs events", NAPI_AUTO_LENGTH, &name));
  CHECK(napi_typeof(env, arguments[2], &type));
  char *config = dup_text(env, arguments[0]);
  if (config == NULL) return NULL;
  char *messages = type == napi_undefined ? NULL : dup_text(env, arguments[2]);
  if (messages == NULL && type != napi_undefined) {
    free(config);
    return NULL;
  }
  handle *self = calloc(1, sizeof *self);
  if (self == NULL) {
    free(config);
    free(messages);
    (void)napi_throw_error(env, "NOMEM", "llm-jobs addon: memory is short");
    return NULL;
  }
  self->env = env;
  if (napi_create_threadsafe_function(env, arguments[1], NULL, name, 0, 1, NULL, NULL, NULL, call_listener, &self->wake) !=
      napi_ok) {
    free(config);
    free(messages);
    free(self);
    throw_pending(env);
    return NULL;
  }
  lj_engine_options options = {.config = config, .on_events = on_events, .owner = self, .messages = messages};
  char *error = NULL;
  int code = lj_engine_start(&options, &self->engine, &error);
  free(config);
  free(messages);
  if (code != 0) {
    (void)napi_release_threadsafe_function(self->wake, napi_tsfn_abort);
    throw_start_error(env, code, error);
    lj_engine_free_text(error);
    free(self);
    return NULL;
  }
  if (napi_create_external(env, self, finalize_handle, NULL, &external) != napi_ok) {
    close_handle(self);
    free(self);
    throw_pending(env);
    return NULL;
  }
  CHECK(napi_type_tag_object(env, external, &handle_tag));
  CHECK(napi_add_env_cleanup_hook(env, on_environment_end, self));
  return external;
}

/* send(handle, text) */
static napi_value send(napi_env env, napi_callback_info info) {
  size_t count = 2;
  napi_value arguments[2] = {NULL, NULL};
  CHECK(napi_get_cb_info(env, info, &count, arguments, NULL, NULL));
  handle *self = read_handle(env, arguments[0], true);
  if (self == NULL) return NULL;
  char *text = dup_text(env, arguments[1]);
  if (text == NULL) return NULL;
  int code = lj_engine_send(self->engine, text);
  lj_wipe(text, strlen(text)); /* it may have brought a key */
  free(text);
  if (code != 0) (void)napi_throw_error(env, lj_engine_code_name(code), "llm-jobs addon: the engine did not take the message");
  return NULL;
}

/* notify(handle) */
static napi_value notify(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value arguments[1] = {NULL};
  CHECK(napi_get_cb_info(env, info, &count, arguments, NULL, NULL));
  handle *self = read_handle(env, arguments[0], true);
  if (self != NULL) lj_engine_notify(self->engine);
  return NULL;
}

/* take(handle) → text of a JSON array, or null */
static napi_value take(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value arguments[1] = {NULL};
  napi_value result = NULL;
  CHECK(napi_get_cb_info(env, info, &count, arguments, NULL, NULL));
  handle *self = read_handle(env, arguments[0], true);
  if (self == NULL) return NULL;
  char *events = NULL;
  int code = lj_engine_take(self->engine, &events);
  if (code != 0) {
    (void)napi_throw_error(env, lj_engine_code_name(code), "llm-jobs addon: memory is short");
    return NULL;
  }
  napi_status status = events != NULL ? napi_create_string_utf8(env, events, NAPI_AUTO_LENGTH, &result) : napi_get_null(env, &result);
  lj_engine_free_text(events);
  CHECK(status);
  return result;
}

/* stop(handle): also when it has been stopped before */
static napi_value stop(napi_env env, napi_callback_info info) {
  size_t count = 1;
  napi_value arguments[1] = {NULL};
  CHECK(napi_get_cb_info(env, info, &count, arguments, NULL, NULL));
  handle *self = read_handle(env, arguments[0], false);
  if (self == NULL || self->engine == NULL) return NULL;
  (void)napi_remove_env_cleanup_hook(env, on_environment_end, self);
  close_handle(self);
  return NULL;
}

/* versions() → JSON text */
static napi_value versions(napi_env env, napi_callback_info info) {
  napi_value result = NULL;
  (void)info;
  CHECK(napi_create_string_utf8(env, lj_engine_versions(), NAPI_AUTO_LENGTH, &result));
  return result;
}

NAPI_MODULE_INIT() {
  static const struct {
    const char *name;
    napi_callback function;
  } methods[] = {{"start", start}, {"send", send}, {"notify", notify}, {"take", take}, {"stop", stop}, {"versions", versions}};
  for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
    napi_value function = NULL;
    CHECK(napi_create_function(env, methods[i].name, NAPI_AUTO_LENGTH, methods[i].function, NULL, &function));
    CHECK(napi_set_named_property(env, exports, methods[i].name, function));
  }
  return exports;
}
