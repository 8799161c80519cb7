// SPDX-License-Identifier: MIT

/** The configuration has the keys of js/config.schema.json, with which editors check it. Compiled by test/js/slow/types.test.js. */

import { startWorker } from 'llm-jobs';
import schema from 'llm-jobs/config.schema.json';

type Options = Parameters<typeof startWorker>[0];
type Provider = Options['providers'][string];
type JobType = NonNullable<Options['types']>[string];
type OfTheProcess = 'execArgv' | 'env' | 'entry' | 'secrets' | 'onLog' | 'heartbeat' | 'restart' | 'preset' | 'securityPolicy' | 'workers' | 'electron';

/** What only one of two has; `never` when they are the same. */
type Difference<One, Other> = Exclude<One, Other> | Exclude<Other, One>;

const root: never[] = [] as Difference<keyof typeof schema.properties, Exclude<keyof Options, OfTheProcess>>[];
const provider: never[] = [] as Difference<keyof typeof schema.definitions.provider.properties, keyof Provider>[];
const type: never[] = [] as Difference<keyof typeof schema.definitions.type.properties, keyof JobType>[];
void [root, provider, type];
