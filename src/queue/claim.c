/* SPDX-License-Identifier: MIT */
#include "queue/claim.h"

#include <string.h>

#include "base/limits.h"
#include "base/memory.h"
#include "base/random.h"
#include "queue/batches.h"

enum {
  FIRST_GROUPS = 8,
  MAX_ROUNDS = 8,                /* looks at a group in one claim while rows with a future run_at are put aside */
  MAX_CANDIDATES = LJ_CLAIM_MOST /* rows of one group looked at in one round; fewer would look like the last ones */
};

/* A place in index llm_jobs_ready: a key, and where the search goes on behind it. The successor of a text is the text with
 * a NUL byte behind it. */
typedef struct cursor {
  char *key;
  size_t length; /* with the NUL byte that makes it the successor */
} cursor;

/* Why a waiting row must not start now: the last column of LJ_SQL_CANDIDATES. */
typedef enum obstacle {
  OBSTACLE_NONE,
  OBSTACLE_CANCEL,      /* cancel_requested */
  OBSTACLE_EXPIRED,     /* expires_at has passed */
  OBSTACLE_EARLY,       /* run_at lies ahead */
  OBSTACLE_SUPERSEDED,  /* a newer job of its supersede_key runs */
  OBSTACLE_CHILDREN,    /* unfinished ones */
  OBSTACLE_CHILD,       /* one that has failed */
  OBSTACLE_SCHEDULE,    /* a cron expression that has never been looked at */
  OBSTACLE_NAMELESS,    /* no id */
  OBSTACLE_BATCH        /* it is to be gathered for a batch */
} obstacle;

typedef struct candidate {
  int64_t seq;
  int64_t priority;
  size_t group;
} candidate;

typedef struct group {
  char *queue;
  char *route; /* LJ_ROUTE_KEY of its rows */
  char *model; /* NULL: none */
  char *name;
  size_t capacity;
} group;

typedef struct group_list {
  group *items;
  size_t count; /* at most LJ_MAX_GROUPS */
  size_t room;
} group_list;

static void group_free(group *item) {
  lj_free(item->queue);
  lj_free(item->route);
  lj_free(item->model);
  lj_free(item->name);
}

static void groups_free(group_list *list) {
  for (size_t i = 0; i < list->count; i++) group_free(&list->items[i]);
  lj_free(list->items);
}

/* Most apps have a few groups, so the list begins small. */
static int groups_make_room(group_list *list) {
  if (list->count < list->room) return LJ_OK;
  size_t room = list->room > 0 ? list->room * 2 : FIRST_GROUPS;
  group *items = lj_realloc(list->items, room * sizeof *items);
  if (items == NULL) return LJ_NOMEM;
  list->items = items;
  list->room = room;
  return LJ_OK;
}

static void cursor_free(cursor *place) {
  lj_free(place->key);
  place->key = NULL;
}

/* Moves behind the text in `column`. */
static int cursor_pass(cursor *place, sqlite3_stmt *statement, int column) {
  const void *text = sqlite3_column_text(statement, column);
  if (text == NULL) return LJ_NOMEM;
  size_t length = (size_t)sqlite3_column_bytes(statement, column);
  char *key = lj_malloc(length + 2);
  if (key == NULL) return LJ_NOMEM;
  memcpy(key, text, length);
  key[length] = '\0';
  key[length + 1] = '\0';
  cursor_free(place);
  place->key = key;
  place->length = length + 1;
  return LJ_OK;
}

static int bind_cursor(sqlite3_stmt *statement, int index, const cursor *place) {
  if (place->key == NULL) return sqlite3_bind_text(statement, index, "", 0, SQLITE_STATIC);
  return sqlite3_bind_text(statement, index, place->key, (int)place->length, SQLITE_STATIC);
}

/* The first queue at or behind the cursor that has waiting jobs; *queue is NULL at the end. Caller frees it. */
static int next_queue(lj_store *store, cursor *place, char **queue) {
  sqlite3_stmt *statement = NULL;
  *queue = NULL;
  int code = lj_store_statement(store, LJ_SQL_NEXT_QUEUE, &statement);
  if (code != LJ_OK) return code;
  int rc = bind_cursor(statement, 1, place);
  if (rc == SQLITE_OK) rc = sqlite3_step(statement);
  code = lj_store_code(store, rc);
  if (code == LJ_OK && rc == SQLITE_ROW) {
    code = lj_store_dup_text(statement, 0, queue);
    if (code == LJ_OK) code = cursor_pass(place, statement, 0);
  }
  lj_store_release(statement);
  return code;
}

static int next_route(lj_store *store, const char *queue, cursor *place, group *out, bool *found) {
  sqlite3_stmt *statement = NULL;
  *found = false;
  int code = lj_store_statement(store, LJ_SQL_NEXT_ROUTE, &statement);
  if (code != LJ_OK) return code;
  int rc = sqlite3_bind_text(statement, 1, queue, -1, SQLITE_STATIC);
  if (rc == SQLITE_OK) rc = bind_cursor(statement, 2, place);
  if (rc == SQLITE_OK) rc = sqlite3_step(statement);
  code = lj_store_code(store, rc);
  if (code == LJ_OK && rc == SQLITE_ROW) {
    *found = true;
    code = lj_store_dup_text(statement, 0, &out->route);
    if (code == LJ_OK) code = lj_store_dup_text(statement, 1, &out->model);
    if (code == LJ_OK) code = lj_store_dup_text(statement, 2, &out->name);
    if (code == LJ_OK) code = cursor_pass(place, statement, 0);
  }
  lj_store_release(statement);
  return code;
}

static int add_routes(lj_store *store, const lj_claim_source *source, const char *queue, group_list *list) {
  cursor place = {0};
  int code = LJ_OK;
  while (list->count < LJ_MAX_GROUPS) {
    bool found = false;
    code = groups_make_room(list);
    if (code != LJ_OK) break;
    group *item = &list->items[list->count];
    memset(item, 0, sizeof *item);
    code = next_route(store, queue, &place, item, &found);
    if (code != LJ_OK || !found) {
      group_free(item);
      break;
    }
    item->capacity = source->capacity(source->owner, item->model, item->name);
    if (item->capacity == 0) {
      group_free(item);
      continue;
    }
    list->count++; /* owned by the list from here on, also when the copy fails */
    item->queue = lj_strdup(queue);
    if (item->queue == NULL) {
      code = LJ_NOMEM;
      break;
    }
  }
  cursor_free(&place);
  return code;
}

/* All groups that could start a job now, or only the first of them. */
static int find_groups(lj_store *store, const lj_claim_source *source, bool only_first, group_list *list) {
  cursor place = {0};
  int code = LJ_OK;
  while (list->count < LJ_MAX_GROUPS && !(only_first && list->count > 0)) {
    char *queue = NULL;
    code = next_queue(store, &place, &queue);
    if (code == LJ_OK && queue != NULL && source->serves(source->owner, queue)) code = add_routes(store, source, queue, list);
    bool end = queue == NULL;
    lj_free(queue);
    if (code != LJ_OK || end) break;
  }
  cursor_free(&place);
  return code;
}

int lj_claim_next_due(lj_store *store, int64_t *due) {
  sqlite3_stmt *statement = NULL;
  *due = INT64_MAX;
  int code = lj_store_statement(store, LJ_SQL_NEXT_DUE, &statement);
  if (code != LJ_OK) return code;
  int rc = sqlite3_step(statement);
  code = lj_store_code(store, rc);
  if (code == LJ_OK && rc == SQLITE_ROW && sqlite3_column_type(statement, 0) != SQLITE_NULL) *due = sqlite3_column_int64(statement, 0);
  lj_store_release(statement);
  return code;
}

int lj_claim_possible(lj_store *store, const lj_claim_source *source, int64_t now, bool *possible) {
  int64_t due = INT64_MAX;
  *possible = false;
  int code = lj_claim_next_due(store, &due);
  if (code != LJ_OK) return code;
  if (due <= now) {
    *possible = true;
    return LJ_OK;
  }
  group_list list = {0};
  code = find_groups(store, source, true, &list);
  *possible = list.count > 0;
  groups_free(&list);
  return code;
}

static int promote(lj_store *store, int64_t now) {
  int64_t revision = 0;
  int64_t due = INT64_MAX;
  int code = lj_claim_next_due(store, &due);
  if (code != LJ_OK || due > now) return code;
  bool timeless_run = true;
  if (store->shape.has_delay) {
    /* Their time stands in columns of the original schema. Where a trigger of the app refuses to note it they run at once. */
    code = lj_store_run_numbers(store, LJ_SQL_FIRST_RUN, NULL, 0);
    if (code != LJ_OK && code != LJ_REFUSED) return code;
    timeless_run = code == LJ_REFUSED;
  }
  code = lj_store_revision(store, &revision);
  return code == LJ_OK ? lj_store_run_numbers(store, LJ_SQL_PROMOTE, (int64_t[]){now, revision, timeless_run}, 3) : code;
}

/* A row with a future run_at keeps it. */
static int postpone(lj_store *store, int64_t seq) {
  int64_t revision = 0;
  int code = lj_store_revision(store, &revision);
  return code == LJ_OK ? lj_store_run_numbers(store, LJ_SQL_POSTPONE, (int64_t[]){seq, LJ_SQL_NULL, revision}, 3) : code;
}

static int read_id(lj_store *store, int64_t seq, char **id) {
  sqlite3_stmt *statement = NULL;
  *id = NULL;
  int code = lj_store_statement(store, LJ_SQL_READ_END, &statement);
  if (code != LJ_OK) return code;
  int rc = sqlite3_bind_int64(statement, 1, seq);
  if (rc == SQLITE_OK) rc = sqlite3_step(statement);
  code = lj_store_code(store, rc);
  if (code == LJ_OK && rc == SQLITE_ROW) code = lj_store_dup_text(statement, 0, id);
  lj_store_release(statement);
  return code;
}

/* Parks the row, where the table has a status for that, so that it can be examined like any other that waits for children. */
static int park(lj_follow *follow, int64_t seq) {
  int64_t revision = 0;
  char *id = NULL;
  int code = lj_store_revision(follow->store, &revision);
  if (code == LJ_OK && !follow->store->shape.lacks_waiting_children)
    code = lj_store_run_numbers(follow->store, LJ_SQL_PARK, (int64_t[]){seq, revision}, 2);
  if (code == LJ_OK) code = read_id(follow->store, seq, &id);
  if (code == LJ_OK && id != NULL) code = lj_follow_examine(follow, seq, id);
  lj_free(id);
  return code;
}

/* Puts a row that must not start where it belongs. */
static int clear_away(lj_follow *follow, int64_t seq, obstacle why) {
  bool ended = false;
  switch (why) {
    case OBSTACLE_CANCEL:
      return lj_follow_end_idle(follow, seq, LJ_STATUS_CANCELLED, LJ_CANCELLED, "cancelled before it started", &ended);
    case OBSTACLE_EXPIRED:
      return lj_follow_end_idle(follow, seq, LJ_STATUS_CANCELLED, LJ_EXPIRED, "expires_at passed before it could start; no call was made",
                                &ended);
    case OBSTACLE_SUPERSEDED:
      return lj_follow_end_idle(follow, seq, LJ_STATUS_CANCELLED, LJ_SUPERSEDED, "a newer job with its supersede_key runs already", &ended);
    case OBSTACLE_EARLY:
      return postpone(follow->store, seq);
    case OBSTACLE_SCHEDULE:
      return lj_follow_schedule(follow, seq);
    case OBSTACLE_NAMELESS:
      return lj_store_run_numbers(follow->store, LJ_SQL_NAME_ROW, &seq, 1);
    default:
      return park(follow, seq);
  }
}

/* Keeps `found` sorted: higher priority first, then earlier arrival; drops what does not fit. */
static void insert_candidate(candidate *found, size_t *count, size_t most, candidate added) {
  size_t at = *count;
  while (at > 0 && (found[at - 1].priority < added.priority ||
                    (found[at - 1].priority == added.priority && found[at - 1].seq > added.seq)))
    at--;
  if (at >= most) return;
  size_t end = *count < most ? *count : most - 1;
  memmove(&found[at + 1], &found[at], (end - at) * sizeof *found);
  found[at] = added;
  *count = end + 1;
}

static int read_candidates(lj_follow *follow, const lj_claim_source *source, const group *item, size_t index, size_t most,
                           candidate *found, size_t *count) {
  lj_store *store = follow->store;
  const char *gatherer = NULL;
  bool asked = source->gathers == NULL || store->shape.renumbers; /* results name their rows by rowid */
  size_t wanted = item->capacity < most ? item->capacity : most;
  if (source->excluded != NULL) wanted += source->excluded(source->owner);
  for (int round = 0; round < MAX_ROUNDS; round++) {
    struct {
      int64_t seq;
      obstacle why;
    } hindered[MAX_CANDIDATES];
    size_t hindered_count = 0;
    candidate ready[MAX_CANDIDATES];
    size_t ready_count = 0;
    size_t limit = wanted < MAX_CANDIDATES ? wanted : MAX_CANDIDATES;
    sqlite3_stmt *statement = NULL;
    int code = lj_store_statement(store, LJ_SQL_CANDIDATES, &statement);
    if (code != LJ_OK) return code;
    int rc = sqlite3_bind_text(statement, 1, item->queue, -1, SQLITE_STATIC);
    if (rc == SQLITE_OK) rc = sqlite3_bind_text(statement, 2, item->route, -1, SQLITE_STATIC);
    if (rc == SQLITE_OK) rc = sqlite3_bind_int64(statement, 3, (int64_t)limit);
    if (rc == SQLITE_OK) rc = sqlite3_bind_int64(statement, 4, follow->now);
    if (rc == SQLITE_OK) rc = sqlite3_bind_int(statement, 5, !store->shape.lacks_waiting_children);
    while (rc == SQLITE_OK || rc == SQLITE_ROW) {
      rc = sqlite3_step(statement);
      if (rc != SQLITE_ROW) break;
      int64_t seq = sqlite3_column_int64(statement, 0);
      obstacle why = (obstacle)sqlite3_column_int(statement, 2);
      if (why == OBSTACLE_BATCH && !asked) gatherer = source->gathers(source->owner, item->model, item->name);
      if (why == OBSTACLE_BATCH) asked = true;
      if (why == OBSTACLE_BATCH && gatherer == NULL) why = OBSTACLE_NONE;
      if (source->excludes != NULL && source->excludes(source->owner, seq)) continue;
      if (why != OBSTACLE_NONE) {
        hindered[hindered_count].seq = seq;
        hindered[hindered_count++].why = why;
      } else {
        ready[ready_count++] = (candidate){seq, sqlite3_column_int64(statement, 1), index};
      }
      if (hindered_count + ready_count == MAX_CANDIDATES) break;
    }
    code = lj_store_code(store, rc);
    lj_store_release(statement);
    for (size_t i = 0; code == LJ_OK && i < hindered_count; i++) {
      code = hindered[i].why == OBSTACLE_BATCH ? lj_batches_gather(store, hindered[i].seq, gatherer, follow->now)
                                               : clear_away(follow, hindered[i].seq, hindered[i].why);
      if (code == LJ_REFUSED) {
        if (source->refused != NULL) source->refused(source->owner, hindered[i].seq);
        code = LJ_OK;
      }
    }
    if (code != LJ_OK) return code;
    if (hindered_count == 0 || round + 1 == MAX_ROUNDS) {
      for (size_t i = 0; i < ready_count; i++) insert_candidate(found, count, most, ready[i]);
      return LJ_OK;
    }
    /* They are out of the way now: look again for what stood behind them. */
  }
  return LJ_OK;
}

/* The row as it will be once it is taken. */
static int read_row(lj_store *store, int64_t seq, lj_job *job) {
  sqlite3_stmt *statement = NULL;
  int code = lj_store_statement(store, LJ_SQL_READ_CLAIMED, &statement);
  if (code != LJ_OK) return code;
  int rc = sqlite3_bind_int64(statement, 1, seq);
  if (rc == SQLITE_OK) rc = sqlite3_step(statement);
  code = lj_store_code(store, rc);
  if (code == LJ_OK && rc == SQLITE_ROW) {
    job->seq = seq;
    code = lj_store_dup_text(statement, 0, &job->id);
    if (code == LJ_OK) code = lj_store_dup_text(statement, 1, &job->queue);
    if (code == LJ_OK) code = lj_store_dup_text(statement, 2, &job->name);
    if (code == LJ_OK) code = lj_store_dup_text(statement, 3, &job->model);
    if (code == LJ_OK) code = lj_store_dup_text(statement, 4, &job->data);
    if (code == LJ_OK) code = lj_store_dup_text(statement, 5, &job->opts);
    if (code == LJ_OK) code = lj_store_dup_text(statement, 6, &job->history);
    job->attempts = sqlite3_column_int64(statement, 7);
    job->max_attempts = sqlite3_column_int64(statement, 8);
    job->created_at = sqlite3_column_int64(statement, 9);
    job->run_at = sqlite3_column_int64(statement, 10);
    if (code == LJ_OK) code = lj_store_dup_text(statement, 11, &job->supersede_key);
    job->has_children = sqlite3_column_int(statement, 12) != 0;
    job->has_parent = sqlite3_column_int(statement, 13) != 0;
    if (code == LJ_OK) code = lj_store_dup_text(statement, 14, &job->remote);
  }
  lj_store_release(statement);
  return code;
}

static int mark_taken(lj_store *store, const lj_claim_terms *terms, const lj_job *job, int64_t seq, const char *lane, bool *taken) {
  sqlite3_stmt *statement = NULL;
  int64_t revision = 0;
  int changes = 0;
  int code = lj_store_revision(store, &revision);
  if (code == LJ_OK) code = lj_store_statement(store, LJ_SQL_CLAIM, &statement);
  if (code != LJ_OK) return code;
  int rc = sqlite3_bind_int64(statement, 1, seq);
  if (rc == SQLITE_OK) rc = sqlite3_bind_text(statement, 2, terms->lease_owner, -1, SQLITE_STATIC);
  if (rc == SQLITE_OK) rc = sqlite3_bind_text(statement, 3, job->token, -1, SQLITE_STATIC);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(statement, 4, terms->lease_until);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(statement, 5, terms->now);
  if (rc == SQLITE_OK && *lane != '\0') rc = sqlite3_bind_text(statement, 6, lane, -1, SQLITE_STATIC);
  if (rc == SQLITE_OK) rc = sqlite3_bind_int64(statement, 7, revision);
  if (rc != SQLITE_OK) {
    lj_store_release(statement);
    return lj_store_code(store, rc);
  }
  code = lj_store_run(store, statement, &changes);
  *taken = code == LJ_OK && changes > 0;
  return code;
}

enum { TOKEN_BYTES = (LJ_TOKEN_SIZE - 1) / 2 };

static int take_row(lj_store *store, const lj_claim_terms *terms, int64_t seq, const char *lane, lj_random_pool *tokens, lj_job *job,
                    bool *taken) {
  *taken = false;
  memset(job, 0, sizeof *job);
  if (lj_random_pool_hex(tokens, job->token, TOKEN_BYTES) != LJ_OK) return LJ_IO;
  int code = read_row(store, seq, job);
  if (code == LJ_OK) code = mark_taken(store, terms, job, seq, lane, taken);
  if (!*taken) lj_job_free(job);
  return code;
}

int lj_claim(lj_follow *follow, const lj_claim_source *source, const lj_claim_terms *terms, size_t most, lj_claimed *out,
             size_t *count) {
  lj_store *store = follow->store;
  *count = 0;
  group_list list = {0};
  candidate found[LJ_CLAIM_MOST + 1]; /* insert_candidate may move one behind the last */
  size_t found_count = 0;
  if (most > LJ_CLAIM_MOST) most = LJ_CLAIM_MOST;
  int code = promote(store, terms->now);
  if (code == LJ_OK) code = find_groups(store, source, false, &list);
  for (size_t i = 0; code == LJ_OK && i < list.count; i++)
    code = read_candidates(follow, source, &list.items[i], i, most, found, &found_count);

  lj_random_pool tokens;
  lj_random_pool_init(&tokens, found_count * TOKEN_BYTES);
  for (size_t i = 0; code == LJ_OK && i < found_count; i++) {
    const group *from = &list.items[found[i].group];
    const char *lane = source->admit(source->owner, from->model, from->name, found[i].seq);
    if (lane == NULL) continue;
    bool taken = false;
    code = take_row(store, terms, found[i].seq, lane, &tokens, &out[*count].job, &taken);
    out[*count].lane = lane;
    if (code == LJ_OK && taken)
      (*count)++;
    else
      source->dismiss(source->owner, lane, found[i].seq);
    if (code == LJ_REFUSED) {
      if (source->refused != NULL) source->refused(source->owner, found[i].seq);
      code = LJ_OK;
    }
  }
  lj_random_pool_end(&tokens);
  if (code != LJ_OK) {
    while (*count > 0) {
      (*count)--;
      source->dismiss(source->owner, out[*count].lane, out[*count].job.seq);
      lj_job_free(&out[*count].job);
    }
  }
  groups_free(&list);
  return code;
}
