/* SPDX-License-Identifier: MIT
 *
 * What the queue alone can do: the engine's own claim and settlement, without calls, threads or JavaScript.
 *
 *     bench_claim_settle DATABASE TRANSACTIONS SIZE [SIZE …]
 *
 * As the engine's writer does, one transaction settles the last group of jobs, with what follows from their ends, and claims
 * the next one. The table must hold enough waiting jobs of model "bench/m"; all other models have no capacity, as in a lane
 * that is paused. Prints one JSON array: a member for each size, with durable commits and without.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "queue/claim.h"
#include "queue/settle.h"

enum { MOST = 64, MOST_TRANSACTIONS = 100000 };

static const char result[] =
    "{\"text\":\"An answer of some length, so that the row is about as long as one of a short chat.\",\"model\":\"m\","
    "\"finishReason\":\"stop\",\"usage\":{\"inputTokens\":12,\"outputTokens\":20}}";
static const char history[] = "[{\"attempt\":1,\"provider\":\"bench\",\"model\":\"m\",\"ms\":12,\"code\":null}]";

static void die(const char *what, const char *why) {
  fprintf(stderr, "%s: %s\n", what, why);
  exit(1);
}

static void must(int code, const char *what) {
  if (code != LJ_OK) die(what, lj_code_name(code));
}

static bool serves(void *owner, const char *queue) {
  (void)owner;
  (void)queue;
  return true;
}

static size_t capacity(void *owner, const char *model, const char *name) {
  (void)owner;
  (void)name;
  return model != NULL && strcmp(model, "bench/m") == 0 ? MOST : 0;
}

static const char *admit(void *owner, const char *model, const char *name, int64_t seq) {
  (void)seq;
  return capacity(owner, model, name) > 0 ? "bench/m" : NULL;
}

static void dismiss(void *owner, const char *lane, int64_t seq) {
  (void)seq;
  (void)owner;
  (void)lane;
}

static const lj_claim_source source = {.serves = serves, .capacity = capacity, .admit = admit, .dismiss = dismiss};

static void settle_all(lj_follow *follow, lj_claimed *held, size_t count) {
  for (size_t i = 0; i < count; i++) {
    bool stale = false;
    lj_settlement end = {.end = LJ_END_COMPLETE,
                         .seq = held[i].job.seq,
                         .token = held[i].job.token,
                         .lane = held[i].lane,
                         .history = history,
                         .json = result,
                         .at = follow->now};
    must(lj_settle(follow->store, &end, &stale), "settle");
    if (stale) die("settle", "somebody has taken a job away");
    must(lj_follow_end(follow, held[i].job.seq), "follow");
    lj_job_free(&held[i].job);
  }
}

/* One transaction; microseconds. `most` 0 only settles. */
static int64_t turn(lj_store *store, lj_zones *zones, bool durable, lj_claimed *held, size_t *count, size_t most) {
  int64_t begun = lj_mono_us();
  int64_t now = lj_wall_ms();
  lj_follow follow = {.store = store, .now = now, .zones = zones};
  lj_claim_terms terms = {.lease_owner = "bench@host:1:aa", .lease_until = now + 30000, .now = now};
  must(lj_store_begin(store, durable), "begin");
  settle_all(&follow, held, *count);
  *count = 0;
  if (most > 0) must(lj_claim(&follow, &source, &terms, most, held, count), "claim");
  must(lj_store_commit(store), "commit");
  int64_t took = lj_mono_us() - begun;
  if (*count != most) die("claim", "the table holds too few waiting jobs");
  return took;
}

static int ascending(const void *one, const void *other) {
  int64_t a = *(const int64_t *)one;
  int64_t b = *(const int64_t *)other;
  return (a > b) - (a < b);
}

static void measure(lj_store *store, lj_zones *zones, size_t size, bool durable, size_t transactions, int64_t *times, bool first) {
  lj_claimed held[MOST];
  size_t count = 0;
  int64_t sum = 0;
  (void)turn(store, zones, durable, held, &count, size);
  for (size_t i = 0; i < transactions; i++) {
    times[i] = turn(store, zones, durable, held, &count, size);
    sum += times[i];
  }
  (void)turn(store, zones, durable, held, &count, 0);
  qsort(times, transactions, sizeof *times, ascending);
  double jobs = (double)size;
  printf("%s{\"size\":%zu,\"durable\":%s,\"usPerJob\":%.3f,\"jobsPerSecond\":%.1f,\"p99Us\":%lld}", first ? "" : ",", size,
         durable ? "true" : "false", (double)times[transactions / 2] / jobs, jobs * (double)transactions * 1e6 / (double)sum,
         (long long)times[transactions * 99 / 100]);
}

/* 1 … most; 0 when the text is something else. */
static size_t number(const char *text, unsigned long most) {
  char *end = NULL;
  unsigned long value = strtoul(text, &end, 10);
  return *text != '\0' && *end == '\0' && value <= most ? (size_t)value : 0;
}

int main(int argc, char **argv) {
  lj_store *store = NULL;
  lj_fault fault = {0};
  lj_zones zones;
  size_t transactions = argc > 3 ? number(argv[2], MOST_TRANSACTIONS) : 0;
  bool good = transactions > 0;
  for (int i = 3; good && i < argc; i++) good = number(argv[i], MOST) > 0;
  if (!good) {
    fprintf(stderr, "Usage: bench_claim_settle DATABASE TRANSACTIONS SIZE [SIZE …], sizes from 1 to %d\n", MOST);
    return 2;
  }
  lj_memory_init();
  lj_zones_init(&zones);
  int64_t *times = lj_malloc(transactions * sizeof *times);
  if (times == NULL) die("times", lj_code_name(LJ_NOMEM));
  must(lj_store_open(argv[1], NULL, &store, &fault), "open");
  printf("[");
  for (int i = 3; i < argc; i++) {
    measure(store, &zones, number(argv[i], MOST), true, transactions, times, i == 3);
    measure(store, &zones, number(argv[i], MOST), false, transactions, times, false);
  }
  printf("]\n");
  lj_store_close(store);
  lj_zones_free(&zones);
  lj_free(times);
  return 0;
}
