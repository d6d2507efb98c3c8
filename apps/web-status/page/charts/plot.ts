/** A drawing by uPlot in our colours. uPlot sets its styles by the DOM, which the content security policy lets pass. */
import uPlot from 'uplot';
import { formatClock, formatDay, type Zone } from '../format/time.ts';
import type { ChartKind } from './chart-kinds.ts';

/** What is needed to make one. */
export interface PlotOptions {
  readonly kind: ChartKind;
  readonly element: HTMLElement;
  readonly zone: () => Zone;
  /** The index of the point that the cursor is at. */
  readonly onCursor: (index: number | null) => void;
}

const dashes: readonly (number[] | undefined)[] = [undefined, [6, 4], [2, 3]];
/** Steps of the axes, so that ticks are round numbers. */
const steps: Readonly<Record<ChartKind['unit'], number[]>> = {
  bytes: Array.from({ length: 52 }, (_, exponent) => 2 ** exponent),
  seconds: [
    0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14_400, 43_200, 86_400, 172_800, 864_000,
  ],
  count: Array.from({ length: 30 }, (_, index) => [1, 2, 5].map((digit) => digit * 10 ** index)).flat(),
  milliseconds: Array.from({ length: 12 }, (_, index) => [1, 2, 5].map((digit) => digit * 10 ** (index - 3))).flat(),
};

/** Makes one. It is as wide as its element. */
export function makePlot({ kind, element, zone, onCursor }: PlotOptions): uPlot {
  const colour = (name: string): string => getComputedStyle(element).getPropertyValue(name).trim();
  const axis = { stroke: () => colour('--quiet'), font: `12px ${getComputedStyle(element).fontFamily}` };
  const grid = { stroke: () => colour('--line'), width: 1 };
  return new uPlot(
    {
      width: Math.max(200, element.clientWidth),
      height: 180,
      legend: { show: false },
      cursor: { sync: { key: 'walvault' }, drag: { x: false, y: false }, y: false },
      scales: { y: { range: (_, __, greatest) => [0, greatest > 0 ? greatest * 1.1 : 1] } },
      axes: [
        {
          ...axis,
          grid,
          ticks: grid,
          space: 64,
          size: 30,
          values: (_, splits) => splits.map((at) => tickText(at, splits, zone())),
        },
        {
          ...axis,
          grid,
          ticks: { show: false },
          size: 78,
          incrs: steps[kind.unit],
          values: (_, splits) => splits.map(kind.format),
        },
      ],
      series: [
        {},
        ...kind.lines.map((line, index) => {
          const dash = dashes[index];
          return {
            label: line.label,
            stroke: () => colour(`--series-${index + 1}`),
            width: 1.5,
            points: { show: false },
            ...(dash === undefined ? {} : { dash }),
          };
        }),
      ],
      hooks: { setCursor: [(plot) => onCursor(plot.cursor.idx ?? null)] },
    },
    [[], ...kind.lines.map(() => [])] as unknown as uPlot.AlignedData,
    element,
  );
}

function tickText(at: number, splits: readonly number[], zone: Zone): string {
  const spanS = (splits.at(-1) ?? 0) - (splits[0] ?? 0);
  if (spanS > 2 * 86_400) return formatDay(at * 1000, zone).slice(5);
  return formatClock(at * 1000, zone).slice(0, spanS < 300 ? 8 : 5);
}
