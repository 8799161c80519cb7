// The worker process. It is built apart from the rest of the app (vite.worker.config.mts) and imports nothing of it: all that the two
// share is the database.
import 'llm-jobs/worker';
