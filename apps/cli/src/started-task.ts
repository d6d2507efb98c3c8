/** In a process that `cron` has started: notes its number, and how it ends. */
import { noteTask } from '@walvault/core/operating';
import { taskVariable } from './task-variable.ts';

/** A task under way. */
export interface StartedTask {
  /** To be called at the end, with the exit code and what was said last about a failure. */
  end(exitCode: number, failure: string | undefined): Promise<void>;
}

/** To be called at the beginning. Processes that this one starts are not meant, so the variable goes. */
export function beginTask(): StartedTask {
  const path = process.env[taskVariable] ?? '';
  delete process.env[taskVariable];
  const noted = noteTask(path, { pid: process.pid });
  return {
    end: async (exitCode, failure) => {
      await noted;
      await noteTask(path, { exitCode, error: failure ?? null });
    },
  };
}
