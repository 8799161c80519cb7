/* SPDX-License-Identifier: MIT
 *
 * The batch APIs: many requests handed in together, answered within a day, at half the price. As provider.h it builds requests and
 * reads answers, and does neither input nor output.
 *
 *   entries (add, one for each job) ─► [upload ─►] create ─► poll … ─► results, one line for each job, in any order
 *
 * Creating is not idempotent anywhere. A batch carries a mark of ours where the API has a place for one, and the keys of its entries
 * begin with it, so that a batch whose creation may or may not have happened can be found again.
 */
#ifndef LJ_PROVIDER_BATCH_H
#define LJ_PROVIDER_BATCH_H

#include "provider/provider.h"

enum { LJ_BATCH_ID_SIZE = 128, LJ_BATCH_MARK_SIZE = 33, LJ_BATCH_KEY_SIZE = 64, LJ_BATCH_PAGE_SIZE = 1024 };

typedef enum lj_batch_state {
  LJ_BATCH_WORKING,
  LJ_BATCH_ENDED, /* there are results, perhaps not of all entries */
  LJ_BATCH_FAILED /* as a whole, and no entry was answered */
} lj_batch_state;

/* What an API says of a batch. */
typedef struct lj_batch_news {
  char id[LJ_BATCH_ID_SIZE];
  lj_batch_state state;
  char results[2][LJ_BATCH_ID_SIZE]; /* where they are; "": none */
  char message[512];                 /* why it failed, "" when nothing is said */
} lj_batch_news;

typedef enum lj_batch_outcome { LJ_BATCH_ANSWERED, LJ_BATCH_EXPIRED, LJ_BATCH_CANCELLED } lj_batch_outcome;

/* One line of the results; the body is borrowed from it. */
typedef struct lj_batch_result {
  const char *key;
  lj_batch_outcome outcome;
  int status;        /* of ANSWERED: as HTTP would have it */
  const cJSON *body; /* as a call would have been answered, or an error object */
} lj_batch_result;

/* What a batch is looked for by. */
typedef struct lj_batch_search {
  const char *mark;
  size_t least; /* entries: some of its jobs may not have been fit to be sent, and others have ended since */
  size_t most;
  const char *since; /* "2026-11-20T10:00:00": it was not created before; only looked at where there is no mark */
  bool (*is_known)(void *owner, const char *id); /* another batch, or not ours */
  void *owner;
} lj_batch_search;

struct lj_batch_api {
  size_t max_bytes; /* of all entries */
  bool has_mark;    /* what find finds is ours for sure; otherwise the keys in its results tell */

  /* Appends the request of one job; `count` are there already. LJ_OK, LJ_NOMEM, LJ_TOO_BIG, or LJ_INVALID: it goes to another
   * address than those before. */
  int (*add)(lj_buffer *entries, size_t count, const char *key, const lj_wire *request);
  /* Hands the entries to the provider ahead of create; NULL: create takes them. */
  int (*build_upload)(const lj_endpoint *endpoint, const char *mark, const lj_buffer *entries, lj_wire *wire, lj_fault *fault);
  /* `file`: what the upload's answer named. */
  int (*build_create)(const lj_endpoint *endpoint, const char *model, const char *mark, const char *file, const lj_buffer *entries,
                      lj_wire *wire, lj_fault *fault);
  /* `page`: what next_page said of the one before it; "": the first, with the newest batches. */
  int (*build_list)(const lj_endpoint *endpoint, const char *page, lj_wire *wire, lj_fault *fault);
  int (*build_poll)(const lj_endpoint *endpoint, const char *id, lj_wire *wire, lj_fault *fault);
  int (*build_results)(const lj_endpoint *endpoint, const char *id, const char *place, lj_wire *wire, lj_fault *fault);
  int (*build_cancel)(const lj_endpoint *endpoint, const char *id, lj_wire *wire, lj_fault *fault);

  /* LJ_OK, or LJ_PROTOCOL: it is not what the API answers. */
  int (*read_upload)(const cJSON *body, char file[LJ_BATCH_ID_SIZE]);
  int (*read_batch)(const cJSON *body, lj_batch_news *news);
  /* Where the results are one JSON text and not lines: the array of them, NULL when there is none. NULL: they are lines. */
  const cJSON *(*results_of)(const cJSON *body);
  int (*read_result)(const cJSON *line, lj_batch_result *result);
  /* The first batch of a list that fits; id is "" when there is none. */
  int (*find)(const cJSON *body, const lj_batch_search *search, char id[LJ_BATCH_ID_SIZE]);
  /* What names the page behind this one, "" when it is the last. */
  int (*next_page)(const cJSON *body, char page[LJ_BATCH_PAGE_SIZE]);
};

extern const lj_batch_api lj_openai_batch;
extern const lj_batch_api lj_anthropic_batch;
extern const lj_batch_api lj_gemini_batch;

/* Copies a text that is to become a part of an address. LJ_OK, or LJ_PROTOCOL: none, too long, or with characters of another kind
 * than letters, digits, '_', '-' and those in `others`. */
int lj_batch_copy_id(char out[LJ_BATCH_ID_SIZE], const char *id, const char *others) LJ_MUST_CHECK;

/* Copies what names a page, with everything escaped that an address could mean something by. NULL and "" are no page. LJ_OK, or
 * LJ_PROTOCOL: it is too long. */
int lj_batch_copy_page(char out[LJ_BATCH_PAGE_SIZE], const char *page) LJ_MUST_CHECK;
/* The page behind one that says `has_more` and `last_id`, as OpenAI and Anthropic do. As lj_batch_copy_page. */
int lj_batch_page_behind_last(const cJSON *body, char page[LJ_BATCH_PAGE_SIZE]) LJ_MUST_CHECK;

#endif
