/** A chart: lines, and under them what they are, their last values and their greatest. The cursor goes by pointer and by keys. */
import type { JSX } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import uPlot from 'uplot';
import { formatTime } from '../format/time.ts';
import { useStore } from '../live/store.ts';
import { Unknown } from '../parts/figure.tsx';
import { theme, zone } from '../routing/preferences.ts';
import type { ChartKind } from './chart-kinds.ts';
import { makePlot } from './plot.ts';
import { columnsOf, type SeriesSet } from './series.ts';

interface ChartProperties {
  readonly kind: ChartKind;
  readonly set: SeriesSet;
}

/** The chart. */
export function Chart({ kind, set }: ChartProperties): JSX.Element {
  const data = useMemo(() => joined(kind, set), [kind, set]);
  const [cursor, setCursor] = useState<number | null>(null);
  const inZone = useStore(zone, (value) => value);
  const times = data[0];
  const index = cursor !== null && cursor < times.length ? cursor : times.length - 1;
  const at = times[index];
  const values = kind.lines.map((_, line) => (data[line + 1] as (number | null | undefined)[] | undefined)?.[index] ?? null);
  const moment = at === undefined ? 'nothing recorded yet' : formatTime(at * 1000, inZone);
  const says = kind.lines.map(({ label }, line) => `${label} ${textOf(kind, values[line])}`).join(', ');
  return (
    <section class="card chart" aria-label={kind.title}>
      <h2>{kind.title}</h2>
      <p class="second">{kind.about}</p>
      <Plot kind={kind} data={data} index={index} label={kind.title} text={`${moment}: ${says}`} onCursor={setCursor} />
      <Legend kind={kind} data={data} values={values} moment={cursor === null ? 'Last' : moment} />
    </section>
  );
}

function textOf(kind: ChartKind, value: number | null | undefined): string {
  return value === null || value === undefined ? 'unknown' : kind.format(value);
}

const nothing: uPlot.AlignedData = [[], []];

/** Times, and the values of each line at them; a null of one line is kept where another has a value. */
function joined(kind: ChartKind, { series }: SeriesSet): uPlot.AlignedData {
  const tables = kind.lines.map(({ metric }) => {
    const one = series?.get(metric);
    return one === undefined ? nothing : columnsOf(one);
  });
  const [only] = tables;
  return tables.length === 1 && only !== undefined
    ? only
    : uPlot.join(
        tables,
        tables.map(() => [2, 2]),
      );
}

interface PlotProperties {
  readonly kind: ChartKind;
  readonly data: uPlot.AlignedData;
  readonly index: number;
  readonly label: string;
  readonly text: string;
  readonly onCursor: (index: number | null) => void;
}

function Plot({ kind, data, index, label, text, onCursor }: PlotProperties): JSX.Element {
  const element = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot>(undefined);
  useEffect(() => {
    if (element.current === null) return;
    const made = makePlot({ kind, element: element.current, zone: () => zone.value, onCursor });
    plot.current = made;
    const sizes = new ResizeObserver(([entry]) =>
      made.setSize({ width: Math.max(200, entry?.contentRect.width ?? 0), height: 180 }),
    );
    sizes.observe(element.current);
    const redraw = (): void => made.redraw(false, true);
    const ends = [zone.listen(redraw), theme.listen(redraw)];
    const dark = matchMedia('(prefers-color-scheme: dark)');
    dark.addEventListener('change', redraw);
    return () => {
      dark.removeEventListener('change', redraw);
      for (const end of ends) end();
      sizes.disconnect();
      made.destroy();
    };
  }, [kind, onCursor]);
  useEffect(() => plot.current?.setData(data), [data]);
  const last = data[0].length - 1;
  const move = (event: KeyboardEvent): void => {
    const steps: Readonly<Record<string, number>> = {
      ArrowLeft: index - 1,
      ArrowRight: index + 1,
      PageUp: index - 60,
      PageDown: index + 60,
      Home: 0,
      End: last,
    };
    const to = steps[event.key];
    const at = data[0][Math.max(0, Math.min(last, to ?? 0))];
    if (to === undefined || at === undefined || plot.current === undefined) return;
    event.preventDefault();
    plot.current.setCursor({ left: plot.current.valToPos(at, 'x'), top: 10 });
  };
  return (
    <div
      ref={element}
      class="plot"
      role="slider"
      tabIndex={0}
      aria-label={`Moment of: ${label}`}
      aria-valuemin={0}
      aria-valuemax={Math.max(0, last)}
      aria-valuenow={Math.max(0, index)}
      aria-valuetext={text}
      onKeyDown={move}
    />
  );
}

interface LegendProperties {
  readonly kind: ChartKind;
  readonly data: uPlot.AlignedData;
  readonly values: readonly (number | null | undefined)[];
  readonly moment: string;
}

function Legend({ kind, data, values, moment }: LegendProperties): JSX.Element {
  return (
    <table class="legend">
      <thead>
        <tr>
          <th scope="col">Line</th>
          <th scope="col">{moment}</th>
          <th scope="col">Greatest</th>
        </tr>
      </thead>
      <tbody>
        {kind.lines.map(({ metric, label }, line) => (
          <tr key={metric}>
            <th scope="row">
              <span class={`line line-${line + 1}`} aria-hidden="true" /> {label}
            </th>
            <td>{values[line] === null || values[line] === undefined ? <Unknown /> : kind.format(values[line])}</td>
            <td>{greatestOf(kind, data[line + 1])}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function greatestOf(kind: ChartKind, values: uPlot.AlignedData[number] | undefined): JSX.Element | string {
  let greatest: number | undefined;
  for (const value of values ?? []) if (typeof value === 'number' && !(value <= (greatest ?? -1))) greatest = value;
  return greatest === undefined ? <Unknown /> : kind.format(greatest);
}
