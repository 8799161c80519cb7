import type { LlmJobsApi } from 'llm-jobs/preload';
import type { Desk } from '../shared/desk';

/** What the preload script puts on the window. */
declare global {
  interface Window {
    readonly llmJobs: LlmJobsApi;
    readonly desk: Desk;
  }
}
