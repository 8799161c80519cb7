/* SPDX-License-Identifier: MIT
 *
 * Every ceiling of the engine, in one place. Whatever grows names one of these where it is created.
 */
#ifndef LJ_BASE_LIMITS_H
#define LJ_BASE_LIMITS_H

enum {
  /* What a provider sends */
  LJ_MAX_RESPONSE_BYTES = 33554432,  /* default of a provider's maxResponseBytes: SDK tests use events of this size */
  LJ_MAX_ERROR_BODY = 65536,         /* of an answer that is not 200, kept to find its error object */
  LJ_MAX_ERROR_TEXT = 2048,          /* of the provider's own words in a row's error.message */
  LJ_MAX_HEADER_BYTES = 65536,       /* all header values that we keep of one answer */
  LJ_MAX_TOOL_CALLS = 128,           /* of one answer; OpenAI and DeepSeek accept no more tools than this */
  LJ_MAX_EMBEDDING_VALUES = 8388608, /* numbers of all vectors of one answer: 2048 of 4096 */
  LJ_MAX_MODELS = 4096,              /* names of one list of models; the rest is left out */
  LJ_MAX_JSON_DEPTH = 100,           /* nesting of any JSON that comes from outside */

  /* What searching and checking a text may cost */
  LJ_MAX_PATTERN_BYTES = 4096,       /* one regular expression */
  LJ_MAX_MATCH_KIB = 16384,          /* memory of one search, in KiB */
  LJ_MAX_FILTERS = 64,               /* the configuration's filters */
  LJ_MAX_FILTER_STEPS = 10000000,    /* of all filters on one prompt or answer (base/pattern.h); measured: 0.3 s at most */
  LJ_MAX_SCHEMA_STEPS = 10000000,    /* of checking one answer, or of looking at the schema itself */
  LJ_MAX_SCHEMA_DEPTH = 400,         /* schemas inside of one another, references included */
  LJ_MAX_SCHEMA_PATTERNS = 64,       /* regular expressions of one schema */

  /* What an app sends */
  LJ_MAX_REQUEST_BYTES = 67108864,   /* one request body; the largest provider accepts 32 MB plus base64 images */
  LJ_MAX_INPUTS = 2048,              /* texts of one job to make vectors of; OpenAI accepts no more */
  LJ_MAX_DATA_BYTES = 67108864,      /* the column data of one job */
  LJ_MAX_CONFIG_BYTES = 4194304,     /* the configuration text */
  LJ_MAX_COMMAND_BYTES = 1048576,    /* one message to the engine */
  LJ_MAX_CANCELS = 1024,             /* jobs to be cancelled by messages, waiting for a transaction */
  LJ_MAX_QUEUE = 1000,               /* the configuration's maxQueue: requests by message that wait for their answers */
  LJ_MAX_COMMANDS = 1024,            /* messages waiting for the engine; further ones are refused with BUSY */

  /* What the engine holds */
  LJ_MAX_CONCURRENCY = 2000,         /* the configuration's concurrency */
  LJ_MAX_PROVIDERS = 64,
  LJ_MAX_KEYS = 8,                   /* keys of one provider */
  LJ_MAX_TARGETS = 16,               /* targets of one alias, once for each key of their providers */
  LJ_MAX_ALIASES = 1024,
  LJ_MAX_TYPES = 1024,
  LJ_MAX_LANES = 1024,               /* provider and model pairs seen since the start; the idle ones are dropped first */
  LJ_MAX_WINDOW_CALLS = 65536,       /* calls of one lane that its limits per minute are counted by */
  LJ_MAX_SPENDING = 131072,          /* tries known to be counted by a budget; when full they are forgotten */
  LJ_MAX_NAMES = 256,                /* queues that are paused; lanes that are held; jobs whose text is followed */
  LJ_MAX_GROUPS = 1024,              /* distinct (queue, model) pairs that a claim looks at */
  LJ_MAX_REFUSED = 64,               /* rows remembered because the app's own triggers refuse their claim */
  LJ_MAX_FOLLOW = 65536,             /* ends that follow from one another in one transaction; the rest follows in the next */
  LJ_MAX_EVENT_BYTES = 8388608,      /* events that nobody has taken; tokens are dropped first, and counted */
  LJ_MAX_TEXT_BYTES = 33554432,      /* text of one answer */
  LJ_MAX_CRON_TEXT = 1024,           /* a job's opts.repeat.cron */
  LJ_MAX_ZONES = 16,                 /* time zones kept in memory; the one not asked for the longest goes first */
  LJ_MAX_ZONE_BYTES = 65536,         /* one file of the system's time zones; the largest have some 4 KB */
  LJ_MAX_BATCHES = 64,               /* batches that one engine looks after */
  LJ_MAX_BATCH_PAGES = 50,           /* of a provider's list of batches, of 100 each */
  LJ_MAX_BATCH_JOBS = 1000,          /* of one batch: its rows are changed in one transaction */
  LJ_MAX_BATCH_BODY = 67108864,      /* what a provider says of a batch, or one of its results */
  LJ_MAX_LOADS = 16,                 /* models that are being loaded by worker:loadModel */
  LJ_MAX_ERRANDS = 64,               /* calls under way that end answers which nobody wants any more */
  LJ_MAX_HISTORY = 10                /* tries kept in the column history */
};

#endif
