/* SPDX-License-Identifier: MIT
 *
 * All memory of the engine, cJSON's included, comes from here, so that a test can make the Nth allocation fail.
 * The functions behave as their standard namesakes; lj_free(NULL) does nothing.
 */
#ifndef LJ_BASE_MEMORY_H
#define LJ_BASE_MEMORY_H

#include <stddef.h>

void *lj_malloc(size_t size);
void *lj_calloc(size_t count, size_t size);
/* On failure NULL is returned and the old block stays valid. */
void *lj_realloc(void *block, size_t size);
void lj_free(void *block);

/* Copies; the caller frees with lj_free. NULL when memory is short, or when text is NULL. */
char *lj_strdup(const char *text);
char *lj_strndup(const char *text, size_t length);

/* Overwrites what must not stay readable in memory that is given back. The compiler may not leave it out. */
void lj_wipe(void *block, size_t size);

/* How many allocations of this thread have failed since it began. cJSON answers NULL for bad text and for a shortage alike;
 * a changed number tells which it was. */
unsigned long lj_memory_failures(void);

/* Points cJSON at these functions. Call once before the first use of cJSON; lj_engine_start does. */
void lj_memory_init(void);

/* For tests: fail the allocation number `nth` from now (1 is the next), and every later one when `sticky`.
 * 0 ends it. Counts the allocations of all threads. */
void lj_memory_fail_at(long nth, int sticky);
/* Allocations since the last lj_memory_fail_at, and blocks in use. Nothing is counted before the first of these three calls, so
 * only the difference of two numbers of blocks says something. */
long lj_memory_count(void);
long lj_memory_live(void);

#endif
