import uPlot from 'uplot';
import type { Minute } from '../shared/desk';
import { byId } from './dom';
import { count, dollars } from './format';

const HEIGHT = 170;

/** Tokens of each minute as bars, and what all answers have cost so far as a line. */
export class Chart {
  readonly #host = byId('chart');
  #plot: uPlot | null = null;
  #data: uPlot.AlignedData = [[], [], []];

  constructor() {
    new ResizeObserver(() => this.#plot?.setSize({ width: this.#host.clientWidth, height: HEIGHT })).observe(this.#host);
    // A canvas has no style sheet: in other colours it is drawn anew.
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#draw());
  }

  show(minutes: Minute[]): void {
    let total = 0;
    const costs = minutes.map(({ cost }) => (total += cost));
    this.#data = [minutes.map(({ at }) => at), minutes.map(({ outputTokens }) => outputTokens), costs];
    const answers = minutes.reduce((sum, minute) => sum + minute.answers, 0);
    const tokens = minutes.reduce((sum, minute) => sum + minute.outputTokens, 0);
    const busy = minutes.filter((minute) => minute.answers > 0).length;
    byId('figure-answers').textContent = count(answers);
    byId('figure-tokens').textContent = count(busy === 0 ? 0 : tokens / busy);
    byId('figure-cost').textContent = dollars(total);
    this.#host.setAttribute('aria-label', `In the last half hour ${count(answers)} answers of ${count(tokens)} tokens for ${dollars(total)}`);
    if (this.#plot === null) this.#draw();
    else this.#plot.setData(this.#data);
  }

  #draw(): void {
    this.#plot?.destroy();
    const style = getComputedStyle(document.documentElement);
    const colour = (name: string) => style.getPropertyValue(name).trim();
    const axis = { stroke: colour('--soft'), grid: { stroke: colour('--line'), width: 1 }, ticks: { show: false }, font: '11px system-ui' };
    this.#plot = new uPlot(
      {
        width: this.#host.clientWidth,
        height: HEIGHT,
        padding: [12, 4, 0, 0],
        legend: { show: false },
        cursor: { show: false },
        scales: {
          // Half a minute on either side, so that the first and the last bar are whole.
          x: { range: (_plot, low, high) => [low - 30, high + 30] },
          tokens: { range: (_plot, _low, high) => [0, Math.max(high, 10) * 1.1] },
          cost: { range: (_plot, _low, high) => [0, high > 0 ? high * 1.1 : 1] },
        },
        axes: [
          { ...axis, grid: { show: false }, values: '{HH}:{mm}', space: 60, size: 26 },
          { ...axis, scale: 'tokens', size: 44, space: 36, values: (_plot, ticks) => ticks.map(count) },
          { ...axis, scale: 'cost', side: 1, size: 62, space: 24, grid: { show: false }, values: (_plot, ticks) => ticks.map(dollars) },
        ],
        series: [
          {},
          {
            scale: 'tokens',
            fill: colour('--bar'),
            stroke: colour('--bar'),
            width: 0,
            points: { show: false },
            ...(uPlot.paths.bars === undefined ? {} : { paths: uPlot.paths.bars({ size: [0.7, 28], radius: 0.15 }) }),
          },
          { scale: 'cost', stroke: colour('--accent'), width: 2, points: { show: false } },
        ],
      },
      this.#data,
      this.#host,
    );
  }
}
