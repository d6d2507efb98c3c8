/** Variable of the environment by which a process that `cron` has started knows where to note what becomes of it. */
export const taskVariable = 'WALVAULT_TASK_RECORD';
