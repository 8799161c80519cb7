/* SPDX-License-Identifier: MIT
 *
 * The text of every statement that the engine runs on llm_jobs: what this product does to the app's file can be read on
 * one page.
 */
#ifndef LJ_QUEUE_STATEMENTS_H
#define LJ_QUEUE_STATEMENTS_H

#include "queue/store.h"

const char *lj_statement_text(lj_sql which);

#endif
