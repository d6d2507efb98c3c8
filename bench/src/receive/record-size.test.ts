import { expect, test } from 'vitest';
import { parseStats } from './record-size.ts';

const printed = `
WAL statistics between 0/6000028 and 0/6FFFFF0:
Type                                           N      (%)          Record size      (%)             FPI size      (%)        Combined size      (%)
----                                           -      ---          -----------      ---             --------      ---        -------------      ---
XLOG                                           2 (  0.00)                  228 (  0.00)                    0 (  0.00)                  228 (  0.00)
Heap                                      180000 ( 99.99)             13500000 ( 99.99)              1000000 (100.00)             14500000 ( 99.99)
                                        --------                      --------                      --------                      --------
Total                                     180002                      13500228 [93.10%]              1000000 [6.90%]              14500228 [100%]
`;

test('parseStats takes number and combined size from the last line', () => {
  expect(parseStats(printed)).toEqual({ records: 180_002, bytesPerRecord: 14_500_228 / 180_002 });
});

test('parseStats gives nothing where pg_waldump said nothing', () => {
  expect(parseStats('')).toBeUndefined();
});
