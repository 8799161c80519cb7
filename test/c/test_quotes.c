/* SPDX-License-Identifier: MIT
 *
 * What an error's message repeats of the job's own texts is taken out, and nothing else.
 */
#include "provider/quotes.h"
#include "support/test.h"

static void expect(const char *request, const char *message, const char *expected) {
  lj_fault fault;
  cJSON *json = json_of(request);
  (void)lj_fault_set(&fault, LJ_BAD_REQUEST, "%s", message);
  lj_quotes_hide(&fault, json);
  assert_string_equal(fault.message, expected);
  assert_code(fault.code, LJ_BAD_REQUEST);
  cJSON_Delete(json);
}

#define ASK(text) "{\"messages\":[{\"role\":\"user\",\"content\":\"" text "\"}]}"

static void what_is_quoted_is_hidden(void **state) {
  (void)state;
  expect(ASK("The patient is called Mary and lives here"), "Invalid input: 'The patient is called Mary and lives here'.",
         "Invalid input: '[\xE2\x80\xA6]'.");
  expect(ASK("The patient is called Mary and lives here"), "cut: 'patient is called Mary an...' is refused",
         "cut: '[\xE2\x80\xA6]...' is refused");
  expect(ASK("a secret word"), "'a secret word' and 'a secret word' again", "'[\xE2\x80\xA6]' and '[\xE2\x80\xA6]' again");
  expect("{\"system\":\"You must never tell anybody\",\"messages\":[]}", "you said: You must never tell anybody!",
         "you said: [\xE2\x80\xA6]!");
  expect("{\"input\":[\"one long text to embed\",\"another text to embed\"]}", "no: another text to embed", "no: [\xE2\x80\xA6]");
  expect("{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"inside of a part of it\"}]}]}",
         "bad: inside of a part of it", "bad: [\xE2\x80\xA6]");
}

static void words_that_anybody_uses_stay(void **state) {
  (void)state;
  expect(ASK("temperature"), "temperature must be at most 2", "temperature must be at most 2");
  expect(ASK("What does must be at most mean?"), "temperature must be at most 2", "temperature must be at most 2");
  expect(ASK("Hello"), "Hello", "Hello");
  expect("{\"messages\":[]}", "some text that is long enough", "some text that is long enough");
  expect("{\"messages\":[],\"providerOptions\":{\"x\":\"a long value of an option\"}}", "unknown: a long value of an option",
         "unknown: a long value of an option");
}

static void characters_are_hidden_whole(void **state) {
  (void)state;
  /* The text begins with the second byte of what the message has as one character (é is C3 A9, © is C2 A9). */
  expect(ASK("\xC2\xA9 and eighteen more"), "x\xC3\xA9 and eighteen more", "x\xC3\xA9 and eighteen more");
  expect(ASK("\xC2\xA9 and nineteen mores"), "x\xC3\xA9 and nineteen mores", "x[\xE2\x80\xA6]");
}

static void a_long_text_is_found_wherever_the_quote_begins(void **state) {
  enum { LENGTH = 100000 };
  char *request = malloc(LENGTH + 64);
  (void)state;
  assert_non_null(request);
  size_t used = (size_t)sprintf(request, "{\"system\":\"");
  uint32_t seed = 1;
  for (size_t i = 0; i < LENGTH; i++) {
    seed = seed * 1664525u + 1013904223u;
    request[used++] = (char)('a' + (seed >> 24) % 26);
  }
  memcpy(request + used, "\"}", 3);
  for (size_t at = 0; at + 2000 < LENGTH; at += 777) {
    char message[2048];
    (void)snprintf(message, sizeof message, "<%.2000s>", request + 11 + at);
    expect(request, message, "<[\xE2\x80\xA6]>");
  }
  free(request);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      tidy_test(what_is_quoted_is_hidden),
      tidy_test(words_that_anybody_uses_stay),
      tidy_test(characters_are_hidden_whole),
      tidy_test(a_long_text_is_found_wherever_the_quote_begins),
  };
  lj_memory_init();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
