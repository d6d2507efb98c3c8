/** The thread that looks at archives, but that it dies of one that has a file `deadly`, when it is looked at and when it is asked about. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parentPort } from 'node:worker_threads';
import type { SurveyTask } from './survey-thread.ts';

parentPort?.on('message', (task: SurveyTask) => {
  if (task.kind === 'survey' && existsSync(join(task.server.directories.backup, 'deadly'))) throw new Error('it was deadly');
});
await import('./survey-thread.ts');
