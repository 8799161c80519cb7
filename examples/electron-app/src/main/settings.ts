import fs from 'node:fs';
import path from 'node:path';
import type { Configuration, ProviderConfig } from 'llm-jobs';
import type { Task } from '../shared/desk';

export interface Price {
  inputPerMillion: number;
  outputPerMillion: number;
}

/** `settings.json` in the app's data folder; docs/configuration.md of llm-jobs has all that a provider may say. */
export interface Settings {
  provider: ProviderConfig;
  model: string;
}

const standard: Settings = { provider: { kind: 'ollama' }, model: 'llama3.2:1b' };

export function readSettings(folder: string): Settings {
  const file = path.join(folder, 'settings.json');
  if (!fs.existsSync(file)) return standard;
  return { ...standard, ...(JSON.parse(fs.readFileSync(file, 'utf8')) as Partial<Settings>) };
}

/** A task is a job type: the page names it and gives the text; what is asked of the model is decided here. */
const types: Record<Task, object> = {
  summarise: {
    system: 'You summarise texts faithfully and plainly.',
    prompt: 'Summarise this text in one paragraph:\n\n{{text}}',
    maxTokens: 160,
  },
  explain: {
    system: 'You explain texts to a curious reader who knows nothing of the subject.',
    prompt: 'Explain this text in simple words:\n\n{{text}}',
    maxTokens: 260,
  },
  question: {
    system: 'You read texts critically.',
    prompt: 'Ask the three questions about this text that its author should answer:\n\n{{text}}',
    maxTokens: 160,
  },
};

/** The worker's configuration. */
export function workerOptions(settings: Settings, database: string): Configuration {
  const model = `desk/${settings.model}`;
  return {
    database,
    concurrency: 3,
    providers: { desk: settings.provider },
    types: Object.fromEntries(Object.entries(types).map(([name, type]) => [name, { model, ...type }])),
  };
}

export function priceOf({ provider, model }: Settings): Price {
  return provider.prices?.[model] ?? provider.prices?.['*'] ?? { inputPerMillion: 0, outputPerMillion: 0 };
}

/** The name of the key that the provider needs and this app keeps; null when it needs none, or has it from elsewhere. */
export function keyName({ provider: { apiKey } }: Settings): string | null {
  const first = Array.isArray(apiKey) ? apiKey[0] : apiKey;
  return first !== undefined && 'secret' in first ? first.secret : null;
}
