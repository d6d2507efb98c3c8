/** What somebody looks for, as the address and the API say it. */

/** The kinds of recovery targets. */
export const targetKinds = ['time', 'lsn', 'name', 'xid'] as const;

export type TargetKind = (typeof targetKinds)[number];

/** A target, perhaps on one timeline only. */
export interface Target {
  readonly kind: TargetKind;
  readonly value: string;
  /** Empty: any. */
  readonly timeline: string;
}

/** What kind is called. */
export const kindTitles: Readonly<Record<TargetKind, string>> = {
  time: 'A moment',
  lsn: 'A place in the WAL (LSN)',
  name: 'A named restore point',
  xid: 'A transaction id',
};

/** From the address; undefined when it names none. */
export function targetOf(query: URLSearchParams): Target | undefined {
  for (const kind of targetKinds) {
    const value = query.get(kind);
    if (value !== null && value !== '') return { kind, value, timeline: query.get('timeline') ?? '' };
  }
  return undefined;
}

/** For the address and the API. */
export function queryOf({ kind, value, timeline }: Target): Record<string, string> {
  return timeline === '' ? { [kind]: value } : { [kind]: value, timeline };
}
