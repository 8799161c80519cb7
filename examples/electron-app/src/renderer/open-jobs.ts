import type { OpenJob } from '../shared/desk';
import { announce, arrange, byId, complain, make } from './dom';
import { statusName, taskName } from './format';

/** The jobs that have not ended: each with its progress, its text as it is written, and a way to stop it. */
export class OpenJobs {
  readonly #list = byId('open-jobs');
  readonly #cards = new Map<string, Card>();

  show(jobs: OpenJob[]): void {
    const seen = new Set(jobs.map(({ id }) => id));
    for (const [id, card] of this.#cards) {
      if (seen.has(id)) continue;
      card.close();
      this.#cards.delete(id);
    }
    const elements = jobs.map((job) => {
      let card = this.#cards.get(job.id);
      if (card === undefined) {
        card = new Card(job);
        this.#cards.set(job.id, card);
      }
      card.update(job);
      return card.element;
    });
    arrange(this.#list, elements);
    byId('open-count').textContent = jobs.length === 0 ? '' : String(jobs.length);
    byId('open-empty').hidden = jobs.length > 0;
  }

  /** How far they are by now. Jobs that come and go are told by `show`, together with the answers. */
  update(jobs: OpenJob[]): void {
    for (const job of jobs) this.#cards.get(job.id)?.update(job);
  }

  get active(): boolean {
    return this.#cards.size > 0;
  }
}

class Card {
  readonly element: HTMLLIElement;
  readonly #id: string;
  readonly #status = make('span', { className: 'status' });
  readonly #bar = make('progress', { max: 100 });
  readonly #percent = make('span', { className: 'percent' });
  readonly #text = make('p', { className: 'live' });
  readonly #cancel = make('button', { type: 'button', className: 'quiet' }, 'Cancel');
  /** Ends the subscription; null while the job has not started. */
  #stop: (() => void) | null = null;
  /** The text that the subscription has told, from its beginning. */
  #told = '';
  /** The text that the row had when it was last read. */
  #partial = '';

  constructor(job: OpenJob) {
    this.#id = job.id;
    const title = make('h3', { textContent: job.title });
    title.id = `job-${job.id}`;
    this.#bar.setAttribute('aria-labelledby', title.id);
    this.#cancel.setAttribute('aria-label', `Cancel: ${job.title}`);
    this.#cancel.addEventListener('click', () => void this.#onCancel());
    this.element = make(
      'li',
      { className: 'card job' },
      make('div', { className: 'heading' }, title, this.#cancel),
      make('p', { className: 'about' }, make('span', { className: 'task', textContent: taskName(job.task) }), this.#status),
      make('div', { className: 'progress' }, this.#bar, this.#percent),
      this.#text,
    );
    this.element.dataset['id'] = job.id;
  }

  update(job: OpenJob): void {
    this.element.dataset['status'] = job.status;
    this.#status.textContent = statusName(job.status);
    this.#bar.value = job.progress;
    this.#percent.textContent = job.status === 'active' ? `${job.progress} %` : '';
    if (job.status === 'active' && this.#stop === null) this.#follow();
    this.#partial = job.partial;
    this.#write();
  }

  close(): void {
    this.#stop?.();
    this.#stop = null;
  }

  #follow(): void {
    this.#stop = window.llmJobs.subscribe(this.#id, ({ text, restart }) => {
      // Another model answers now, or the worker has begun anew: what was told before is void.
      if (restart) this.#told = this.#partial = '';
      this.#told += text ?? '';
      this.#write();
    });
  }

  /** The live text is ahead of the row's, except while nothing has been told yet. */
  #write(): void {
    const text = this.#told.length >= this.#partial.length ? this.#told : this.#partial;
    if (text === this.#text.textContent) return;
    this.#text.textContent = text;
    this.#text.scrollTop = this.#text.scrollHeight;
  }

  async #onCancel(): Promise<void> {
    this.#cancel.disabled = true;
    try {
      await window.llmJobs.cancel(this.#id);
      announce('Cancelled.');
    } catch (error) {
      this.#cancel.disabled = false;
      complain(error);
    }
  }
}
