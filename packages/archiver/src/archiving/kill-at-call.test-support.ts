/**
 * To be loaded into a process by `node --import`: kills it, as `kill -9` does, before the system call of number
 * `WALVAULT_KILL_AT` that changes something on the disk. The calls are counted where node:fs/promises makes them.
 */
import fs, { type FileHandle } from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';

type AnyFunction = (...args: unknown[]) => unknown;

const killAt = Number(process.env['WALVAULT_KILL_AT']);
let calls = 0;

function count(): void {
  calls += 1;
  if (calls === killAt) process.kill(process.pid, 'SIGKILL');
}

function counted(object: object, name: string, isMeant: (args: unknown[]) => boolean = () => true): void {
  const original = Reflect.get(object, name) as AnyFunction;
  const hook = function (this: unknown, ...args: unknown[]): unknown {
    if (isMeant(args)) count();
    return original.apply(this, args);
  };
  Reflect.set(object, name, hook);
}

for (const name of ['rename', 'link', 'unlink', 'mkdir', 'utimes', 'rm', 'cp']) counted(fs, name);
counted(fs, 'open', ([, flags]) => flags !== 'r');
const handle: FileHandle = await fs.open('/dev/null', 'r');
const prototype: unknown = Object.getPrototypeOf(handle);
for (const name of ['writev', 'write', 'sync', 'datasync', 'truncate']) counted(prototype as object, name);
await handle.close();
syncBuiltinESMExports();
