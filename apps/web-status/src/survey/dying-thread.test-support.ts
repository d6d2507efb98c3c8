/** The thread that looks at archives, but that it dies when it is to look at one with a file `deadly` beside it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort } from 'node:worker_threads';
import type { SurveyTask } from './survey-thread.ts';

parentPort?.on('message', (task: SurveyTask) => {
  if (task.kind === 'survey' && existsSync(join(task.server.directories.backup, 'deadly'))) throw new Error('it was deadly');
});
await import('./survey-thread.ts');
