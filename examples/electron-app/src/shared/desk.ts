/** What the page and the main process say to each other beside the jobs themselves. */

export const TASKS = ['summarise', 'explain', 'question'] as const;
export type Task = (typeof TASKS)[number];

export interface Overview {
  /** The state of the worker process, as its supervisor sees it. */
  worker: string;
  /** The model that answers. */
  model: string;
  /** The provider's key is still to be given; null when it needs none or has one. */
  missingKey: string | null;
  /** Jobs that have not ended, in order of arrival. */
  open: OpenJob[];
  /** Ended jobs, the newest first. */
  history: EndedJob[];
  /** One entry for each minute, up to the present one. */
  usage: Minute[];
}

export interface OpenJob {
  id: string;
  task: string;
  title: string;
  status: string;
  progress: number;
  /** The text so far, as the row has it; the live text is up to a quarter of a second ahead of it. */
  partial: string;
}

export interface EndedJob {
  id: string;
  task: string;
  title: string;
  status: string;
  /** The answer, or why there is none. */
  text: string;
  model: string | null;
  finishedOn: number;
  totalMs: number | null;
  inputTokens: number | null;
  outputTokens: number | null;
  /** In dollars, by the configured prices; null when the provider told no usage. */
  cost: number | null;
  kept: boolean;
}

export interface Minute {
  /** Its beginning, in Unix seconds. */
  at: number;
  answers: number;
  outputTokens: number;
  cost: number;
}

export interface Desk {
  overview(): Promise<Overview>;
  /** The part of it that changes while a model writes. */
  open(): Promise<OpenJob[]>;
  /** Keeps an answer, so that "Clear" leaves it in place. */
  keep(id: string, kept: boolean): Promise<void>;
  /** Deletes the ended jobs that are not kept; resolves with their number. */
  clear(): Promise<number>;
  setKey(name: string, key: string): Promise<void>;
}

export const DESK_CHANNELS = {
  overview: 'desk:overview',
  open: 'desk:open',
  keep: 'desk:keep',
  clear: 'desk:clear',
  setKey: 'desk:set-key',
} as const;
