/** What a pass says of each file: to the log, and to the caller. */
import type { FileResult } from './file-result.ts';
import type { PassContext } from './pass-context.ts';

/** Says what became of a file. What the caller throws is thrown. */
export async function tellResult(context: PassContext, result: FileResult): Promise<void> {
  logResult(context, result);
  await context.onFile?.(result);
}

function logResult({ log, serverName }: PassContext, result: FileResult): void {
  const fields = { server: serverName, source: result.source, file: result.name };
  switch (result.kind) {
    case 'archived':
      log.info({ ...fields, bytes: result.size }, `archived "${result.name}"`);
      return;
    case 'duplicate':
    case 'blank':
      log.info(fields, `removed ${result.kind} "${result.name}"`);
      return;
    case 'failed':
      log.warn({ ...fields, code: result.error.code }, `could not archive "${result.name}": ${result.error.message}`);
      return;
    case 'conflict':
    case 'invalid':
    case 'unknown':
      log.warn({ ...fields, movedTo: result.movedTo }, `moved ${result.kind} "${result.name}" to the errors directory`);
  }
}
