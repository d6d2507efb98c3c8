/** The order of servers, and what is said of all of them. */
import type { ServerSummary, Verdict } from '../../src/schema/server-summary.ts';

const ranks: Readonly<Record<Verdict, number>> = { danger: 0, warning: 1, unknown: 2, safe: 3 };

/** Trouble first, then by name; what is switched off comes last. */
export function inOrder(servers: Iterable<ServerSummary>): readonly ServerSummary[] {
  return [...servers].toSorted(
    (a, b) => Number(b.active) - Number(a.active) || ranks[a.verdict] - ranks[b.verdict] || a.name.localeCompare(b.name),
  );
}

/** How many there are of each verdict; those that are switched off do not count. */
export function tally(servers: Iterable<ServerSummary>): Readonly<Record<Verdict, number>> {
  const counts = { danger: 0, warning: 0, unknown: 0, safe: 0 };
  for (const { active, verdict } of servers) if (active) counts[verdict] += 1;
  return counts;
}

/** The worst of them. */
export function worst(counts: Readonly<Record<Verdict, number>>): Verdict {
  if (counts.danger > 0) return 'danger';
  if (counts.warning > 0) return 'warning';
  return counts.unknown > 0 || counts.safe === 0 ? 'unknown' : 'safe';
}

const alone: Readonly<Record<Verdict, string>> = {
  danger: 'is in danger',
  warning: 'has a warning',
  unknown: 'is in an unknown state',
  safe: 'is safe',
};

/** All in one sentence. @param configured how many servers there are, those that are switched off included */
export function headline(counts: Readonly<Record<Verdict, number>>, configured: number): string {
  const { danger, warning, unknown, safe } = counts;
  const all = danger + warning + unknown + safe;
  if (all === 0) return configured === 0 ? 'No server is configured' : 'No server is switched on';
  if (all === 1) return `The server ${alone[worst(counts)]}`;
  if (safe === all) return `All ${all} servers are safe`;
  const parts = [
    danger > 0 ? [`${danger} in danger`] : [],
    warning > 0 ? [`${warning} with a warning`] : [],
    unknown > 0 ? [`${unknown} unknown`] : [],
  ].flat();
  return `Of ${all} servers: ${parts.join(', ')}`;
}
