const whole = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const clock = new Intl.DateTimeFormat('en', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });

export const count = (value: number) => whole.format(value);

export const time = (ms: number) => clock.format(ms);

export const seconds = (ms: number) => `${(ms / 1000).toFixed(ms < 10000 ? 1 : 0)} s`;

/** Two figures that say something, since one answer costs a small part of a cent. */
export function dollars(value: number): string {
  if (value === 0) return '$0';
  if (value >= 1) return `$${value.toFixed(2)}`;
  const digits = Math.min(6, Math.max(2, 1 - Math.floor(Math.log10(value))));
  return `$${value.toFixed(digits)}`;
}

const TASK_NAMES: Record<string, string> = { summarise: 'Summary', explain: 'Explanation', question: 'Questions' };

export const taskName = (task: string) => TASK_NAMES[task] ?? task;

const STATUS_NAMES: Record<string, string> = {
  waiting: 'waiting',
  active: 'reading',
  delayed: 'tries again soon',
  'waiting-children': 'waiting for others',
  completed: 'done',
  failed: 'failed',
  cancelled: 'cancelled',
};

export const statusName = (status: string) => STATUS_NAMES[status] ?? status;
