/* SPDX-License-Identifier: MIT
 *
 * The ids of answers that providers make in the background: written as soon as they are known. Those of runs that end in the same
 * transaction are written with the end.
 */
#include "engine/writer.h"

bool lj_writer_has_remotes(const lj_engine *engine) {
  for (const lj_run *run = engine->remotes ? engine->calling.first : NULL; run != NULL; run = run->next)
    if (run->remote.unwritten) return true;
  return false;
}

int lj_writer_remotes(lj_engine *engine) {
  int code = LJ_OK;
  for (lj_run *run = engine->calling.first; code == LJ_OK && run != NULL; run = run->next) {
    if (!run->remote.unwritten) continue;
    code = lj_settle_remote(engine->store, run->job.seq, run->job.token, run->remote.text);
    if (code == LJ_REFUSED) code = LJ_OK; /* by a trigger of the app: then a crash repeats the call */
  }
  return code;
}

void lj_writer_remotes_written(lj_engine *engine) {
  for (lj_run *run = engine->calling.first; run != NULL; run = run->next) run->remote.unwritten = false;
}
