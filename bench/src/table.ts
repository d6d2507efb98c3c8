/** Rows of text as aligned columns. */

/** Columns of names to the left, those of numbers to the right, the titles above as their column. */
export function alignColumns(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, index) => Math.max(...rows.map((row) => row[index]?.length ?? 0)));
  const isText = (index: number) => rows.every((row) => !/^[\d-]/.test(row[index] ?? ''));
  const lines = rows.map((row) =>
    row.map((cell, index) => (isText(index) ? cell.padEnd(widths[index] ?? 0) : cell.padStart(widths[index] ?? 0))),
  );
  return lines.map((cells) => `  ${cells.join('  ').trimEnd()}`).join('\n');
}
