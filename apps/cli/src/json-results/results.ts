/** The result of each command with `-f json`: what schemas are published and the reference page is made from. */
import { deleteWal, healWal, rebuildCatalog, rebuildXlogDb, verifyWal } from './archive-results.ts';
import { findTarget } from './find-target-result.ts';
import { configCheck, configShow, diagnose, lockDirectoryCleanup, switchWal, syncInfo } from './operating-results.ts';
import { showWal } from './show-wal-result.ts';
import { either, list, type Members, object, orNull, type Schema, text } from './schema.ts';
import {
  check,
  doctor,
  explain,
  listProcesses,
  listServers,
  replicationStatus,
  runCheck,
  setup,
  showServers,
  status,
} from './watching-results.ts';

/** A result: by the names of the servers, or with members of its own, or nothing but messages; `content` is printed as it is in any format. */
export type Result =
  | { readonly each: Schema }
  | { readonly members: Members }
  | { readonly messagesOnly: true; readonly content?: string | undefined };

const messagesOnly = { messagesOnly: true } as const;

/** What every result may have beside its own members. */
export const messages: Members = {
  '_INFO?': list(text('A line.'), 'What the console would print.'),
  '_WARNING?': list(text('A line.'), 'Warnings.'),
  '_ERROR?': list(text('A line.'), 'What went wrong.'),
  '_ERROR_CODE?': list(orNull(text('`ERR_...`')), 'The codes of these, in the same order.'),
  '_HINT?': list(text('A line.'), 'What to do.'),
};

/** The results by the words that call a command. */
export const results: Readonly<Record<string, Result>> = {
  'archive-wal': messagesOnly,
  check: { each: check },
  'check-wal-archive': { each: text('That the check has passed.') },
  completion: { messagesOnly: true, content: 'The script' },
  'config check': { members: configCheck },
  'config show': { each: configShow },
  cron: messagesOnly,
  'delete-wal': { each: deleteWal },
  diagnose: { members: diagnose },
  doctor: { each: doctor },
  explain: { each: explain },
  'find-target': { each: findTarget },
  'get-wal': { messagesOnly: true, content: 'The content of the file' },
  'heal-wal': { each: healWal },
  'list-processes': { each: listProcesses },
  'list-servers': { each: listServers },
  'lock-directory-cleanup': { members: lockDirectoryCleanup },
  'put-wal': messagesOnly,
  'rebuild-catalog': { each: rebuildCatalog },
  'rebuild-xlogdb': { each: rebuildXlogDb },
  'receive-wal': messagesOnly,
  'replication-status': { each: replicationStatus },
  'restore-wal': messagesOnly,
  run: { each: runCheck },
  setup: { each: setup },
  'show-servers': { each: showServers },
  'show-wal': { each: showWal },
  status: { each: status },
  'switch-wal': { each: switchWal },
  'sync-info': { members: syncInfo },
  'terminate-process': messagesOnly,
  'verify-wal': { each: verifyWal },
};

/** The JSON Schema of the result of a command. What failed has nothing but messages. */
export function schemaOf(result: Result): Schema {
  if ('messagesOnly' in result) return object(messages);
  if ('each' in result) return { ...object(messages), additionalProperties: result.each };
  return either(
    [object({ ...result.members, ...messages }), object(messages)],
    'The result, or only messages when there is none.',
  );
}
