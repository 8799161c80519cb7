// SPDX-License-Identifier: MIT

/** A page of the app, with what its preload script has put on `window`. Blocks with this prelude know the browser's names. */

import type { LlmJobsApi } from 'llm-jobs/preload';

declare global {
  interface Window {
    llmJobs: LlmJobsApi;
  }
}
