import 'uplot/dist/uPlot.min.css';
import './style.css';
import { Chart } from './chart';
import { startComposer } from './composer';
import { byId, complain } from './dom';
import { History } from './history';
import { OpenJobs } from './open-jobs';

/** Progress is no change of a job's state, so it is looked at this often while something is on the desk. */
const PROGRESS_MS = 400;
/** The chart goes on when nothing happens. */
const IDLE_MS = 20000;

const open = new OpenJobs();
const history = new History(refresh);
const chart = new Chart();

let running = false;
let again = false;

/** Reads everything anew; what is asked meanwhile is one more reading after this one. */
function refresh(): void {
  again = true;
  if (!running) void read();
}

async function read(): Promise<void> {
  running = true;
  try {
    while (again) {
      again = false;
      const overview = await window.desk.overview();
      byId('model').textContent = overview.model;
      const state = byId('worker-state');
      state.textContent = overview.worker === 'ready' ? 'Ready' : `Worker: ${overview.worker}`;
      state.dataset['state'] = overview.worker;
      byId('key-form').hidden = overview.missingKey === null;
      byId('key-form').dataset['name'] = overview.missingKey ?? '';
      open.show(overview.open);
      history.show(overview.history);
      chart.show(overview.usage);
    }
  } catch (error) {
    complain(error);
  } finally {
    running = false;
  }
}

startComposer(refresh);
byId('clear').addEventListener('click', () => void window.desk.clear().then(refresh, complain));
window.llmJobs.watch(refresh);
setInterval(() => open.active && !running && void window.desk.open().then((jobs) => open.update(jobs), complain), PROGRESS_MS);
setInterval(refresh, IDLE_MS);
refresh();
