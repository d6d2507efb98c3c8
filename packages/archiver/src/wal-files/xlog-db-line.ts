/** One line of xlog.db: what Barman writes and reads, and how files are told in it. */

/** One line of xlog.db. */
export interface XlogDbEntry {
  readonly name: string;
  /** Bytes of the file in the archive, that is after compression. */
  readonly size: number;
  /** Modification time in seconds since 1970, with fractions. */
  readonly modifiedAt: number;
  /** Name of the compression as Barman calls it; undefined for none. */
  readonly compression: string | undefined;
  /** Name of the encryption (Barman 3.14 and later); undefined for none. */
  readonly encryption: string | undefined;
}

/** What is written: files are not encrypted here. */
export type NewXlogDbEntry = Omit<XlogDbEntry, 'encryption'>;

/** Reads a line with its 3, 4 or 5 columns, or gives undefined when it is none. */
export function tryParseXlogDbLine(line: string): XlogDbEntry | undefined {
  const [name, size, time, compression, encryption, ...more] = line.trim().split(/\s+/);
  if (name === undefined || size === undefined || time === undefined || more.length > 0) return undefined;
  if (!/^\d+$/.test(size) || !/^\d+(\.\d+)?$/.test(time)) return undefined;
  return {
    name,
    size: Number(size),
    modifiedAt: Number(time),
    compression: noneAsUndefined(compression),
    encryption: noneAsUndefined(encryption),
  };
}

/** Writes a line as Barman 3.4 does, newline included; that of an encrypted file as Barman 3.14 does, with a column more. */
export function formatXlogDbLine(entry: NewXlogDbEntry & Partial<XlogDbEntry>): string {
  const time = Number.isInteger(entry.modifiedAt) ? entry.modifiedAt.toFixed(1) : String(entry.modifiedAt);
  const encryption = entry.encryption === undefined ? '' : `\t${entry.encryption}`;
  return `${entry.name}\t${entry.size}\t${time}\t${entry.compression ?? 'None'}${encryption}\n`;
}

/** Seconds as Python's os.stat gives them, so that a rebuilt xlog.db reads the same. */
export function secondsOf(nanoseconds: bigint): number {
  return Number(nanoseconds / 1_000_000_000n) + Number(nanoseconds % 1_000_000_000n) * 1e-9;
}

function noneAsUndefined(column: string | undefined): string | undefined {
  return column === 'None' ? undefined : column;
}
