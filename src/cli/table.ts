/** Tables with runc's spacing: columns at least 12 wide, with 3 spaces between them, the last as it is. */

export function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(12, ...rows.map((row) => width(row[column] ?? '') + 3)))
  const line = (row: readonly string[]) =>
    row.map((cell, column) =>
      column === row.length - 1 ? cell : cell + ' '.repeat((widths[column] ?? 0) - width(cell)),
    )
  return rows.map((row) => `${line(row).join('')}\n`).join('')
}

/** In characters, not in UTF-16 units. */
function width(text: string): number {
  return [...text].length
}
