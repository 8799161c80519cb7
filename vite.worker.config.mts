import { workerConfig } from 'llm-jobs/vite';

// src/worker/main.ts becomes worker.cjs, and the native addon lies beside it.
export default workerConfig();
