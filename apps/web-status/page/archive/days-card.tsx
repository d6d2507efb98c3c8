/** How much WAL came on each day. */
import type { JSX } from 'preact';
import type { Coverage } from '../../src/schema/coverage.ts';
import { formatBytes, formatCount } from '../format/bytes.ts';

/** So many columns are drawn, and so many days listed. */
const mostDays = 60;
const dayMs = 86_400_000;

type Day = NonNullable<Coverage['days']>[number];

/** The card; nothing while no day is known. */
export function DaysCard({ days }: { readonly days: Coverage['days'] }): JSX.Element | null {
  if (days === null || days.length === 0) return null;
  const shown = days.slice(0, mostDays);
  const greatest = shown.reduce((most, { walBytes }) => Math.max(most, walBytes), 1);
  return (
    <section class="card" aria-label="Days">
      <h2>WAL by day</h2>
      <p class="second">By the day on which it was archived, in UTC; at most {formatBytes(greatest)} a day.</p>
      <div class="days" role="img" aria-label="WAL by day; the list below has the figures">
        {withEmptyDays(shown).map(({ day, walBytes }) => (
          <span key={day} class="day" title={`${day}: ${formatBytes(walBytes)}`}>
            <span class="day-bar" style={{ height: `${(walBytes / greatest) * 100}%` }} />
          </span>
        ))}
      </div>
      <details>
        <summary>The figures</summary>
        <div class="scroll" tabIndex={0} role="region" aria-label="WAL by day, in figures">
          <table>
            <thead>
              <tr>
                {['Day', 'Segments', 'WAL', 'On disk', 'Commits'].map((head) => (
                  <th key={head} scope="col">
                    {head}
                  </th>
                ))}
              </tr>
            </thead>
            <tbody>
              {shown.map(({ day, segments, walBytes, storedBytes, commits }) => (
                <tr key={day}>
                  <th scope="row">{day}</th>
                  <td>{formatCount(segments)}</td>
                  <td>{formatBytes(walBytes)}</td>
                  <td>{formatBytes(storedBytes)}</td>
                  <td>{formatCount(commits)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </section>
  );
}

/** In order of time, from the earliest on, also days on which nothing was archived; the latest ones. */
function withEmptyDays(days: readonly Day[]): readonly Pick<Day, 'day' | 'walBytes'>[] {
  const known = new Map(days.map(({ day, walBytes }) => [day, walBytes]));
  const [last, first] = [Date.parse(days[0]?.day ?? ''), Date.parse(days.at(-1)?.day ?? '')];
  const count = Math.min(mostDays, (last - first) / dayMs + 1);
  return Array.from({ length: count }, (_, index) => {
    const day = new Date(last - (count - 1 - index) * dayMs).toISOString().slice(0, 10);
    return { day, walBytes: known.get(day) ?? 0 };
  });
}
