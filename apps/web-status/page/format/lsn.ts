/** Arithmetic of places in the WAL. In JavaScript's numbers it is exact up to 8 PiB; beyond, a picture is off by some bytes. */

/** Bytes from the start of the WAL. */
export function lsnToNumber(lsn: string): number {
  const [high = '', low = ''] = lsn.split('/');
  return Number.parseInt(high, 16) * 0x1_0000_0000 + Number.parseInt(low, 16);
}

/** As PostgreSQL writes it. */
export function lsnFromNumber(position: number): string {
  const high = Math.floor(position / 0x1_0000_0000);
  return `${high.toString(16)}/${(position - high * 0x1_0000_0000).toString(16)}`.toUpperCase();
}
