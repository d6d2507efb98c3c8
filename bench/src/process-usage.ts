/**
 * What a running process has used so far, from /proc (proc(5)): the kernel's own book-keeping, the same for both programs. It is
 * gone with the process, so whoever wants the end of it must look often.
 */
import { readFileSync } from 'node:fs';

/** Use of a process since its start. */
export interface ProcessUsage {
  /** Processor time in user and kernel mode, all threads, in seconds; the kernel counts it in hundredths. */
  readonly cpuSeconds: number;
  /** Most memory it ever had resident, in bytes (VmHWM). */
  readonly peakBytes: number;
}

/** USER_HZ, which is 100 on every architecture that Linux exports it for. */
const ticksPerSecond = 100;

/** Reads the use of a process; undefined when it has ended. */
export function readProcessUsage(pid: number): ProcessUsage | undefined {
  try {
    return parseProcessUsage(readFileSync(`/proc/${pid}/stat`, 'latin1'), readFileSync(`/proc/${pid}/status`, 'latin1'));
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}

/** Takes it from the text of /proc/PID/stat and /proc/PID/status; undefined for a zombie, which has no memory any more. */
export function parseProcessUsage(stat: string, status: string): ProcessUsage | undefined {
  // the second field is the program's name in parentheses, and may hold anything
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [userTicks, systemTicks] = [Number(fields[11]), Number(fields[12])];
  const peak = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
  if (peak === undefined) return undefined;
  return { cpuSeconds: (userTicks + systemTicks) / ticksPerSecond, peakBytes: Number(peak) * 1024 };
}
