/**
 * Counts of records as `pg_waldump --stats` lays them out (bin/pg_waldump/pg_waldump.c: XLogDumpDisplayStats, XLogDumpStatsRow), so that
 * both can be compared line by line.
 */
import type { RecordStatistics } from '@walvault/core';
import { formatLsn, recordTypeName, type RmgrStatistics, rmgrName } from '@walvault/wal';

/** A row: one kind of records, or all of a resource manager. */
interface Row {
  readonly name: string;
  readonly count: number;
  readonly recordBytes: number;
  readonly fpiBytes: number;
}

/** Resource managers up to this one are shown even without a record, as pg_waldump does. */
const lastBuiltIn = 21;

/** The table as lines. */
export function statisticsLines(statistics: RecordStatistics, perRecord: boolean): readonly string[] {
  const rows = perRecord ? rowsByType(statistics) : rowsByRmgr(statistics.rmgrs);
  const total = sum('Total', rows);
  return [
    `WAL statistics between ${formatLsn(statistics.first)} and ${formatLsn(statistics.end)}:`,
    cells('Type', ['N', '(%)', 'Record size', '(%)', 'FPI size', '(%)', 'Combined size', '(%)']),
    cells('----', ['-', '---', '-----------', '---', '--------', '---', '-------------', '---']),
    ...rows.map((row) => rowLine(row, total)),
    cells('', ['--------', '', '--------', '', '--------', '', '--------', '']).trimEnd(),
    totalLine(total),
  ];
}

function rowsByRmgr(rmgrs: readonly RmgrStatistics[]): readonly Row[] {
  const ids = new Set([...Array.from({ length: lastBuiltIn + 1 }, (_, id) => id), ...rmgrs.map(({ rmgr }) => rmgr)]);
  return [...ids]
    .toSorted((one, other) => one - other)
    .map((id) =>
      sum(
        rmgrName(id),
        rmgrs.filter(({ rmgr }) => rmgr === id),
      ),
    );
}

function rowsByType({ rmgrs, magic }: RecordStatistics): readonly Row[] {
  return rmgrs.map((statistics) => ({
    ...statistics,
    name: `${rmgrName(statistics.rmgr)}/${recordTypeName(statistics.rmgr, statistics.info, magic)}`,
  }));
}

function sum(name: string, rows: readonly Omit<Row, 'name'>[]): Row {
  return {
    name,
    count: rows.reduce((total, row) => total + row.count, 0),
    recordBytes: rows.reduce((total, row) => total + row.recordBytes, 0),
    fpiBytes: rows.reduce((total, row) => total + row.fpiBytes, 0),
  };
}

function rowLine(row: Row, total: Row): string {
  const pairs = [
    [row.count, total.count],
    [row.recordBytes, total.recordBytes],
    [row.fpiBytes, total.fpiBytes],
    [row.recordBytes + row.fpiBytes, total.recordBytes + total.fpiBytes],
  ] as const;
  const texts = pairs.map(([value, all]) => `${String(value).padStart(20)} (${percent(value, all).padStart(6)})`);
  return `${row.name.padEnd(27)} ${texts.join(' ')}`;
}

/** Of the last line the shares are those of the row. */
function totalLine({ count, recordBytes, fpiBytes }: Row): string {
  const all = recordBytes + fpiBytes;
  const numbers = [count, recordBytes, fpiBytes].map((value, index) => {
    const share = index === 0 ? '' : `[${percent(value, all)}%]`;
    return `${String(value).padStart(20)} ${share.padEnd(9)}`;
  });
  return `${'Total'.padEnd(27)} ${numbers.join('')}${String(all).padStart(20)} [100%]`;
}

function cells(name: string, titles: readonly string[]): string {
  return `${name.padEnd(27)} ${titles.map((title, index) => title.padStart(index % 2 === 0 ? 20 : 8)).join(' ')}`;
}

function percent(part: number, whole: number): string {
  return (whole === 0 ? 0 : (100 * part) / whole).toFixed(2);
}
