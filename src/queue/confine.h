/* SPDX-License-Identifier: MIT */
#ifndef LJ_QUEUE_CONFINE_H
#define LJ_QUEUE_CONFINE_H

#include "queue/store.h"

/* Installs the authorizer. While store->defining is set it also allows the DDL of llm_jobs and its indexes. */
int lj_confine(lj_store *store) LJ_MUST_CHECK;

#endif
