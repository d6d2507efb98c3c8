/**
 * Loaded into a program before its own code (`node --import`), makes its files slow: what the program writes takes as long as on a
 * disk of so many bytes a second, a flush takes so much longer. The work is done by the real disk all the same. This is how a disk
 * can be made slower than a server without any rights on the machine.
 *
 * Environment: BENCH_DISK_BYTES_PER_SECOND, BENCH_DISK_SYNC_MS.
 */
import { open } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

type FileHandle = Awaited<ReturnType<typeof open>>;

const bytesPerSecond = Number(process.env['BENCH_DISK_BYTES_PER_SECOND']);
const syncMs = Number(process.env['BENCH_DISK_SYNC_MS']);

const file = await open('/dev/null');
const methods = Object.getPrototypeOf(file) as Pick<FileHandle, 'writev' | 'datasync' | 'sync'>;
await file.close();
const { writev, datasync, sync } = methods;
/** When the disk is done with what it was given so far. */
let busyUntilMs = performance.now();

methods.writev = async function slowWritev(this: FileHandle, buffers, position) {
  const result = await writev.call(this, buffers, position);
  busyUntilMs = Math.max(busyUntilMs, performance.now()) + (result.bytesWritten / bytesPerSecond) * 1000;
  await sleep(busyUntilMs - performance.now());
  return result as never;
};

methods.datasync = async function slowDatasync(this: FileHandle) {
  await datasync.call(this);
  await sleep(syncMs);
};

methods.sync = async function slowSync(this: FileHandle) {
  await sync.call(this);
  await sleep(syncMs);
};
