/** Settings of a server as SHOW writes them, read as numbers ("Setting Parameters" in the PostgreSQL manual). */

const sizes: Readonly<Record<string, number>> = { B: 1, kB: 1024, MB: 1024 ** 2, GB: 1024 ** 3, TB: 1024 ** 4 };
const periods: Readonly<Record<string, number>> = { us: 0.001, ms: 1, s: 1000, min: 60_000, h: 3_600_000, d: 86_400_000 };

/** A size in bytes: 67108864 for `64MB`; -1 and 0 as they are, as they have meanings of their own. Undefined when it is not there, or no size. */
export function settingBytes(settings: ReadonlyMap<string, string>, name: string): number | undefined {
  return quantity(settings.get(name), sizes);
}

/** A period in milliseconds: 300000 for `5min`; -1 and 0 as they are. Undefined when it is not there, or no period. */
export function settingMs(settings: ReadonlyMap<string, string>, name: string): number | undefined {
  return quantity(settings.get(name), periods);
}

function quantity(text: string | undefined, units: Readonly<Record<string, number>>): number | undefined {
  const match = /^(-?\d{1,15})([A-Za-z]*)$/.exec(text ?? '');
  if (match === null) return undefined;
  const [, digits, unit = ''] = match;
  const factor = unit === '' ? 1 : units[unit];
  return factor === undefined ? undefined : Number(digits) * factor;
}
