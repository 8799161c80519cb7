/* SPDX-License-Identifier: MIT */
#include "provider/wire.h"

#include <string.h>

#include "base/ascii.h"
#include "base/json.h"
#include "base/limits.h"

enum { MAX_URL_BYTES = 8192 };

void lj_wire_init(lj_wire *wire) {
  wire->method = "POST";
  lj_buffer_init(&wire->url, MAX_URL_BYTES);
  lj_buffer_init(&wire->headers, LJ_MAX_HEADER_BYTES);
  lj_buffer_init(&wire->body, LJ_MAX_REQUEST_BYTES);
  wire->stream = false;
  wire->ask = LJ_ASK_TEXT;
  wire->background = false;
  wire->inputs = 0;
}

void lj_wire_free(lj_wire *wire) {
  lj_buffer_free(&wire->url);
  lj_buffer_free(&wire->headers);
  lj_buffer_free(&wire->body);
}

static bool is_header_name(const char *name) {
  const char *at;
  for (at = name; *at != '\0'; at++) {
    if ((unsigned char)*at <= ' ' || (unsigned char)*at >= 0x7F || *at == ':') {
      return false;
    }
  }
  return at > name;
}

static bool has_control(const char *text) {
  for (; *text != '\0'; text++) {
    if ((unsigned char)*text < ' ' || *text == 0x7F) {
      return true;
    }
  }
  return false;
}

int lj_wire_header(lj_wire *wire, const char *name, const char *value) {
  if (!is_header_name(name) || has_control(value)) {
    return LJ_INVALID;
  }
  size_t before = wire->headers.length;
  int rc = lj_buffer_append_text(&wire->headers, name);
  if (rc == LJ_OK) rc = lj_buffer_append(&wire->headers, ": ", 2);
  if (rc == LJ_OK) rc = lj_buffer_append_text(&wire->headers, value);
  if (rc == LJ_OK) rc = lj_buffer_append_char(&wire->headers, '\n');
  if (rc != LJ_OK) lj_buffer_truncate(&wire->headers, before); /* a line without its end would run into the next */
  return rc;
}

static bool is_configured(const cJSON *headers, const char *name) {
  const cJSON *header;
  cJSON_ArrayForEach(header, headers) {
    if (header->string != NULL && lj_ascii_same(header->string, name)) {
      return true;
    }
  }
  return false;
}

int lj_wire_own_header(lj_wire *wire, const lj_endpoint *endpoint, const char *name, const char *value) {
  return is_configured(endpoint->headers, name) ? LJ_OK : lj_wire_header(wire, name, value);
}

/* Neither the value nor the key is part of the message: both may be secret. */
static int header_fault(int rc, const char *what, const char *name, lj_fault *fault) {
  if (rc == LJ_INVALID) {
    return lj_fault_set(fault, LJ_BAD_REQUEST, "%s %.100s holds a character that an HTTP header can't carry", what, name);
  }
  if (rc == LJ_TOO_BIG) {
    return lj_fault_set(fault, LJ_BAD_REQUEST, "The headers of the request are larger than %d bytes; shorten %s %.100s",
                        LJ_MAX_HEADER_BYTES, what, name);
  }
  return rc;
}

static int add_key(lj_wire *wire, const lj_endpoint *endpoint, lj_fault *fault) {
  lj_buffer value;
  int rc;
  if (endpoint->api_key == NULL || endpoint->api_key[0] == '\0') {
    return LJ_OK;
  }
  if (endpoint->key_header != NULL) {
    rc = lj_wire_own_header(wire, endpoint, endpoint->key_header, endpoint->api_key);
    return header_fault(rc, "The apiKey of provider", endpoint->provider, fault);
  }
  lj_buffer_init(&value, LJ_MAX_HEADER_BYTES);
  rc = lj_buffer_append_text(&value, "Bearer ");
  if (rc == LJ_OK) {
    rc = lj_buffer_append_text(&value, endpoint->api_key);
  }
  if (rc == LJ_OK) {
    rc = lj_wire_own_header(wire, endpoint, "Authorization", value.data);
  }
  lj_buffer_free(&value);
  return header_fault(rc, "The apiKey of provider", endpoint->provider, fault);
}

static int add_configured(lj_wire *wire, const lj_endpoint *endpoint, lj_fault *fault) {
  const cJSON *header;
  int rc = LJ_OK;
  cJSON_ArrayForEach(header, endpoint->headers) {
    if (cJSON_IsString(header) && header->string != NULL) { /* null only takes ours away */
      rc = lj_wire_header(wire, header->string, header->valuestring);
      if (rc != LJ_OK) {
        return header_fault(rc, "The configured header", header->string, fault);
      }
    }
  }
  return LJ_OK;
}

static int set_url(lj_wire *wire, const lj_endpoint *endpoint, const char *default_base_url, const char *path,
                   lj_fault *fault) {
  const char *base = endpoint->base_url != NULL ? endpoint->base_url : default_base_url;
  size_t length;
  int rc;
  if (base == NULL || base[0] == '\0') {
    return lj_fault_set(fault, LJ_BAD_REQUEST, "Provider %.100s has no baseUrl, and its kind has no default one",
                        endpoint->provider);
  }
  length = strlen(base);
  while (length > 0 && base[length - 1] == '/') {
    length--;
  }
  rc = lj_buffer_append(&wire->url, base, length);
  if (rc == LJ_OK) {
    rc = lj_buffer_append_text(&wire->url, path);
  }
  if (rc == LJ_TOO_BIG) {
    return lj_fault_set(fault, LJ_BAD_REQUEST, "The baseUrl of provider %.100s is longer than %d bytes", endpoint->provider,
                        MAX_URL_BYTES);
  }
  return rc;
}

/* The headers of every request, after those that only a POST has. */
static int add_headers(lj_wire *wire, const lj_endpoint *endpoint, const char *accept, lj_fault *fault) {
  int rc = lj_wire_own_header(wire, endpoint, "Accept", accept);
  if (rc == LJ_OK) { /* a proxy that compresses holds events back until its block is full */
    rc = lj_wire_own_header(wire, endpoint, "Accept-Encoding", "identity");
  }
  if (rc == LJ_OK) {
    rc = add_key(wire, endpoint, fault);
  }
  if (rc == LJ_OK) {
    rc = add_configured(wire, endpoint, fault);
  }
  return rc;
}

int lj_wire_start(lj_wire *wire, const lj_endpoint *endpoint, const char *default_base_url, const char *path, bool stream,
                  const char *stream_type, lj_fault *fault) {
  int rc = set_url(wire, endpoint, default_base_url, path, fault);
  wire->method = "POST";
  wire->stream = stream;
  if (rc == LJ_OK) {
    rc = lj_wire_own_header(wire, endpoint, "Content-Type", "application/json");
  }
  return rc == LJ_OK ? add_headers(wire, endpoint, stream ? stream_type : "application/json", fault) : rc;
}

int lj_wire_start_get(lj_wire *wire, const lj_endpoint *endpoint, const char *default_base_url, const char *path,
                      lj_fault *fault) {
  int rc = set_url(wire, endpoint, default_base_url, path, fault);
  wire->method = "GET";
  wire->stream = false;
  return rc == LJ_OK ? add_headers(wire, endpoint, "application/json", fault) : rc;
}

int lj_wire_body(lj_wire *wire, const cJSON *body, lj_fault *fault) {
  return lj_wire_tell_large(lj_json_print(body, &wire->body), fault);
}

int lj_wire_tell_large(int rc, lj_fault *fault) {
  return rc == LJ_TOO_BIG ? lj_fault_set(fault, LJ_BAD_REQUEST,
                                         "The request is larger than %d bytes; send less text or smaller images",
                                         LJ_MAX_REQUEST_BYTES)
                          : rc;
}

/* Not cJSON_AddItemReferenceToObject, which loses the reference when there is no memory for the key. */
static cJSON *reference_to(const cJSON *value) {
  if (cJSON_IsString(value)) {
    return cJSON_CreateStringReference(value->valuestring);
  }
  if (cJSON_IsObject(value)) {
    return cJSON_CreateObjectReference(value->child);
  }
  if (cJSON_IsArray(value)) {
    return cJSON_CreateArrayReference(value->child);
  }
  return cJSON_Duplicate(value, 0);
}

int lj_json_refer(cJSON *object, const char *key, const cJSON *value) {
  return lj_json_put_value(object, key, reference_to(value));
}

int lj_json_refer_string(cJSON *object, const char *key, const char *text) {
  return lj_json_put_value(object, key, cJSON_CreateStringReference(text));
}

int lj_json_refer_member(cJSON *object, const char *key, const cJSON *request, const char *from) {
  const cJSON *value = lj_json_get(request, from);
  return value != NULL ? lj_json_refer(object, key, value) : LJ_OK;
}

int lj_wire_messages(cJSON *body, const cJSON *request, cJSON **list) {
  const cJSON *system = lj_json_get(request, "system");
  cJSON *message;
  int rc;
  *list = cJSON_CreateArray();
  rc = lj_json_put_value(body, "messages", *list);
  if (rc != LJ_OK || system == NULL) {
    return rc;
  }
  message = cJSON_CreateObject();
  rc = lj_json_push_value(*list, message);
  if (rc == LJ_OK) {
    rc = lj_json_refer_string(message, "role", "system");
  }
  return rc == LJ_OK ? lj_json_refer(message, "content", system) : rc;
}

int lj_wire_list(cJSON *body, const char *key, const cJSON *entries, int (*add)(cJSON *list, const cJSON *entry)) {
  const cJSON *entry;
  cJSON *list;
  int rc;
  if (cJSON_GetArraySize(entries) == 0) {
    return LJ_OK;
  }
  list = cJSON_CreateArray();
  rc = lj_json_put_value(body, key, list);
  cJSON_ArrayForEach(entry, entries) {
    if (rc == LJ_OK) {
      rc = add(list, entry);
    }
  }
  return rc;
}

int lj_wire_push_function(cJSON *list, const cJSON *tool) {
  cJSON *made = cJSON_CreateObject();
  int rc = lj_json_push_value(list, made);
  if (rc == LJ_OK) {
    rc = lj_json_refer_string(made, "type", "function");
  }
  return rc == LJ_OK ? lj_json_refer(made, "function", tool) : rc;
}

static bool is_among(const char *names, const char *name) {
  size_t length = strlen(name);
  while (names != NULL && *names != '\0') {
    size_t size = strcspn(names, " ");
    if (size == length && memcmp(names, name, size) == 0) {
      return true;
    }
    names += size + (names[size] == ' ' ? 1 : 0);
  }
  return false;
}

static int merge_fields(cJSON *into, const cJSON *fields, const char *nested) {
  const cJSON *field;
  int rc = LJ_OK;
  cJSON_ArrayForEach(field, fields) {
    cJSON *ours = cJSON_GetObjectItemCaseSensitive(into, field->string);
    bool merged = cJSON_IsObject(field) && is_among(nested, field->string);
    if (merged && cJSON_IsObject(ours)) {
      rc = merge_fields(ours, field, NULL);
    } else if (merged) { /* a copy, because the next merge would write into what is only referred to */
      cJSON_DeleteItemFromObjectCaseSensitive(into, field->string);
      rc = lj_json_put_value(into, field->string, cJSON_Duplicate(field, 1));
    } else {
      cJSON_DeleteItemFromObjectCaseSensitive(into, field->string);
      if (!cJSON_IsNull(field)) {
        rc = lj_json_refer(into, field->string, field);
      }
    }
    if (rc != LJ_OK) {
      return rc;
    }
  }
  return LJ_OK;
}

int lj_merge_provider_options(cJSON *body, const cJSON *request, const lj_endpoint *endpoint, const char *kind,
                              const char *nested) {
  const cJSON *options = lj_json_object(request, "providerOptions");
  int rc = merge_fields(body, lj_json_object(options, kind), nested);
  if (rc == LJ_OK && strcmp(kind, endpoint->provider) != 0) {
    rc = merge_fields(body, lj_json_object(options, endpoint->provider), nested);
  }
  return rc;
}
