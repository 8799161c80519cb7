import type { EndedJob } from '../shared/desk';
import { arrange, byId, complain, make } from './dom';
import { count, dollars, seconds, statusName, taskName, time } from './format';

/** The ended jobs, the newest first. Each opens to its whole answer. */
export class History {
  readonly #list = byId('history');
  readonly #rows = new Map<string, { element: HTMLLIElement; star: HTMLButtonElement }>();

  constructor(readonly onChange: () => void) {}

  show(jobs: EndedJob[]): void {
    const seen = new Set(jobs.map(({ id }) => id));
    for (const id of this.#rows.keys()) if (!seen.has(id)) this.#rows.delete(id);
    const elements = jobs.map((job) => {
      let row = this.#rows.get(job.id);
      // A job that was tried again has ended anew.
      if (row === undefined || row.element.dataset['finished'] !== String(job.finishedOn)) {
        row = this.#make(job);
        this.#rows.set(job.id, row);
      }
      row.star.setAttribute('aria-pressed', String(job.kept));
      row.star.textContent = job.kept ? '★' : '☆';
      return row.element;
    });
    arrange(this.#list, elements);
    byId('history-count').textContent = jobs.length === 0 ? '' : String(jobs.length);
    byId('history-empty').hidden = jobs.length > 0;
    byId<HTMLButtonElement>('clear').disabled = jobs.every(({ kept }) => kept);
  }

  #make(job: EndedJob) {
    const star = make('button', { type: 'button', className: 'star', title: 'Keep' });
    star.setAttribute('aria-label', `Keep: ${job.title}`);
    star.addEventListener('click', () => {
      const kept = star.getAttribute('aria-pressed') !== 'true';
      window.desk.keep(job.id, kept).then(this.onChange, complain);
    });
    const facts = [
      job.model,
      job.outputTokens === null ? null : `${count((job.inputTokens ?? 0) + job.outputTokens)} tokens`,
      job.totalMs === null ? null : seconds(job.totalMs),
      job.cost === null ? null : dollars(job.cost),
    ].filter((fact) => fact !== null);
    const details = make(
      'details',
      {},
      make(
        'summary',
        {},
        make('span', { className: 'title', textContent: job.title }),
        make('span', { className: 'about' },
          make('span', { className: 'task', textContent: taskName(job.task) }),
          make('span', { className: 'status', textContent: job.status === 'completed' ? time(job.finishedOn) : statusName(job.status) }),
        ),
      ),
      make('p', { className: 'answer', textContent: job.text }),
      make('p', { className: 'facts', textContent: facts.join(' · ') }),
    );
    const element = make('li', { className: 'card row' }, details, star);
    element.dataset['id'] = job.id;
    element.dataset['status'] = job.status;
    element.dataset['finished'] = String(job.finishedOn);
    return { element, star };
  }
}
