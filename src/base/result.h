/* SPDX-License-Identifier: MIT
 *
 * The codes of the engine. Every fallible function returns an int: LJ_OK or one of the negative values below.
 * The same codes are what a row's `error.code`, an event and a JavaScript error carry, under the names of
 * lj_code_name(). The list is closed: what is not in it can't be reported.
 */
#ifndef LJ_BASE_RESULT_H
#define LJ_BASE_RESULT_H

#include <stdbool.h>

/* What the queue does with a job whose try ended so. */
typedef enum lj_class {
  LJ_CLASS_INTERNAL,   /* never stored in a row: results between functions */
  LJ_CLASS_JOB,        /* the job's own fault: failed at once */
  LJ_CLASS_TARGET,     /* this target can't: next target of the route, else failed */
  LJ_CLASS_TRANSIENT,  /* trouble that passes: counts as an attempt, backoff */
  LJ_CLASS_LANE,       /* not the job's fault: the lane pauses, the attempt is given back */
  LJ_CLASS_VERDICT,    /* an end that the queue itself decided */
  LJ_CLASS_SETUP       /* configuration or database: the engine does not run */
} lj_class;

/* X(symbol, class) */
#define LJ_CODES(X)                         \
  X(NOMEM, LJ_CLASS_INTERNAL)               \
  X(INVALID, LJ_CLASS_INTERNAL)             \
  X(TOO_BIG, LJ_CLASS_INTERNAL)             \
  X(BUSY, LJ_CLASS_INTERNAL)                \
  X(DB_ERROR, LJ_CLASS_SETUP)             \
  X(IO, LJ_CLASS_INTERNAL)                  \
  X(NOT_FOUND, LJ_CLASS_INTERNAL)           \
  X(STALE, LJ_CLASS_INTERNAL)               \
  X(CLOSED, LJ_CLASS_INTERNAL)              \
  X(INTERRUPTED, LJ_CLASS_INTERNAL)         \
  X(REFUSED, LJ_CLASS_INTERNAL)             \
  X(QUEUE_FULL, LJ_CLASS_INTERNAL)          \
  X(MODEL_ENGINE_MISSING, LJ_CLASS_INTERNAL) \
  X(BAD_JOB, LJ_CLASS_JOB)                  \
  X(BAD_REQUEST, LJ_CLASS_JOB)              \
  X(CONTEXT_LENGTH, LJ_CLASS_JOB)           \
  X(CONTENT_FILTERED, LJ_CLASS_JOB)         \
  X(MODEL_NOT_ALLOWED, LJ_CLASS_JOB)        \
  X(POLICY_DENIED, LJ_CLASS_JOB)            \
  X(RESPONSE_TOO_LARGE, LJ_CLASS_JOB)       \
  X(NO_PROVIDER, LJ_CLASS_JOB)              \
  X(AUTH, LJ_CLASS_TARGET)                  \
  X(QUOTA_EXCEEDED, LJ_CLASS_TARGET)        \
  X(MODEL_NOT_FOUND, LJ_CLASS_TARGET)       \
  X(SERVER_ERROR, LJ_CLASS_TRANSIENT)       \
  X(OVERLOADED, LJ_CLASS_TRANSIENT)         \
  X(TIMEOUT_CONNECT, LJ_CLASS_TRANSIENT)    \
  X(TIMEOUT_FIRST_BYTE, LJ_CLASS_TRANSIENT) \
  X(TIMEOUT_IDLE, LJ_CLASS_TRANSIENT)       \
  X(TIMEOUT_TOTAL, LJ_CLASS_TRANSIENT)      \
  X(PROTOCOL, LJ_CLASS_TRANSIENT)           \
  X(TLS, LJ_CLASS_TRANSIENT)                \
  X(RATE_LIMITED, LJ_CLASS_LANE)            \
  X(UNREACHABLE, LJ_CLASS_LANE)             \
  X(BUDGET_EXCEEDED, LJ_CLASS_LANE)         \
  X(CHILD_FAILED, LJ_CLASS_VERDICT)         \
  X(STALLED, LJ_CLASS_VERDICT)              \
  X(EXPIRED, LJ_CLASS_VERDICT)              \
  X(SUPERSEDED, LJ_CLASS_VERDICT)           \
  X(CANCELLED, LJ_CLASS_VERDICT)            \
  X(BAD_CONFIG, LJ_CLASS_SETUP)             \
  X(DB_NOT_WAL, LJ_CLASS_SETUP)             \
  X(DB_ENCRYPTED, LJ_CLASS_SETUP)           \
  X(DB_SCHEMA, LJ_CLASS_SETUP)              \
  X(DB_MOVED, LJ_CLASS_SETUP)               \
  X(DB_READONLY, LJ_CLASS_SETUP)            \
  X(DB_CORRUPT, LJ_CLASS_SETUP)             \
  X(DB_NETWORK, LJ_CLASS_SETUP)

enum {
#define LJ_CODE_ORDINAL(symbol, class) LJ_ORDINAL_##symbol,
  LJ_ORDINAL_OK = 0,
  LJ_CODES(LJ_CODE_ORDINAL) LJ_ORDINAL_END
#undef LJ_CODE_ORDINAL
};

enum {
  LJ_OK = 0,
#define LJ_CODE_VALUE(symbol, class) LJ_##symbol = -LJ_ORDINAL_##symbol,
  LJ_CODES(LJ_CODE_VALUE)
#undef LJ_CODE_VALUE
  LJ_CODE_END = -LJ_ORDINAL_END /* not a code: one past the last */
};

/* "RATE_LIMITED" for LJ_RATE_LIMITED, "OK" for LJ_OK, "UNKNOWN" for what is no code. Never NULL. */
const char *lj_code_name(int code);

lj_class lj_code_class(int code);

#if defined(__MINGW32__) && !defined(__clang__)
/* Its "printf" is the one of old Windows libraries, without %zu; "gnu_printf" is what C says, and what is linked. */
#define LJ_PRINTF_STYLE gnu_printf
#else
#define LJ_PRINTF_STYLE printf
#endif

#if defined(__GNUC__)
#define LJ_MUST_CHECK __attribute__((warn_unused_result))
#define LJ_PRINTF(text, first) __attribute__((format(LJ_PRINTF_STYLE, text, first)))
#else
#define LJ_MUST_CHECK
#define LJ_PRINTF(text, first)
#endif

#if defined(_MSC_VER) && !defined(__clang__)
#define LJ_THREAD_LOCAL __declspec(thread) /* younger ones know the word of C11, older ones only this */
#else
#define LJ_THREAD_LOCAL _Thread_local
#endif

#endif
