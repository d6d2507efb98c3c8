/**
 * What a running process has used so far, from /proc (proc(5)): the kernel's own book-keeping, the same for both programs. It is
 * gone with the process, so whoever wants the end of it must look often.
 */
import { readdirSync, readFileSync } from 'node:fs';

/** Use of a process since its start. */
export interface ProcessUsage {
  /** Processor time in user and kernel mode, all threads, in seconds; the kernel counts it in hundredths. */
  readonly cpuSeconds: number;
  /** Most memory it ever had resident, in bytes (VmHWM). */
  readonly peakBytes: number;
  /** Memory that is resident now, in bytes (VmRSS). */
  readonly residentBytes: number;
}

/** USER_HZ, which is 100 on every architecture that Linux exports it for. */
const ticksPerSecond = 100;

/** Reads the use of a process; undefined when it has ended. */
export function readProcessUsage(pid: number): ProcessUsage | undefined {
  return unlessGone(() =>
    parseProcessUsage(readFileSync(`/proc/${pid}/stat`, 'latin1'), readFileSync(`/proc/${pid}/status`, 'latin1')),
  );
}

/**
 * How often the threads of a process went to sleep by themselves, and so were woken, since they were started; undefined when it
 * has ended.
 */
export function readWakeUps(pid: number): number | undefined {
  return unlessGone(() => {
    const statuses = readdirSync(`/proc/${pid}/task`).map((thread) =>
      readFileSync(`/proc/${pid}/task/${thread}/status`, 'latin1'),
    );
    return statuses.reduce((sum, status) => sum + Number(/^voluntary_ctxt_switches:\s+(\d+)$/m.exec(status)?.[1] ?? 0), 0);
  });
}

/** Takes it from the text of /proc/PID/stat and /proc/PID/status; undefined for a zombie, which has no memory any more. */
export function parseProcessUsage(stat: string, status: string): ProcessUsage | undefined {
  // the second field is the program's name in parentheses, and may hold anything
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  const [userTicks, systemTicks] = [Number(fields[11]), Number(fields[12])];
  const [peak, resident] = [kilobytesOf(status, 'VmHWM'), kilobytesOf(status, 'VmRSS')];
  if (peak === undefined || resident === undefined) return undefined;
  const cpuSeconds = (userTicks + systemTicks) / ticksPerSecond;
  return { cpuSeconds, peakBytes: peak * 1024, residentBytes: resident * 1024 };
}

function kilobytesOf(status: string, field: 'VmHWM' | 'VmRSS'): number | undefined {
  const text = new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1];
  return text === undefined ? undefined : Number(text);
}

function unlessGone<T>(read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ESRCH') return undefined;
    throw error;
  }
}
