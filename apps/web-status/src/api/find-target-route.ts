/** `/find-target` of a server: answered from the last look at the archive and from the catalogue; no segment is read for it. */
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { parseLsn } from '@walvault/wal';
import type { Collector } from '../collector/collector.ts';
import type { ServerSnapshot } from '../collector/server-snapshot.ts';
import { findTargetQuery, type FoundTarget } from '../schema/find-target.ts';
import { foundTargetView } from '../views/found-target-view.ts';
import { findRequestOf } from './find-target-request.ts';
import { readQuery } from './read-query.ts';
import { type ServerRoute, snapshotNamed } from './server-routes.ts';

/** Of one address. It is the one question that costs more the larger the archive is: a quarter of a second with 100,000 segments. */
const questionsPerMinute = 120;

/** Registers it. */
export function findTargetRoute(app: FastifyInstance, collector: Collector): void {
  app.get(
    '/servers/:name/find-target',
    { config: { rateLimit: { max: questionsPerMinute } } },
    async ({ params, query }: FastifyRequest<ServerRoute>): Promise<FoundTarget> => {
      const snapshot = snapshotNamed(collector, params.name);
      const request = findRequestOf(readQuery(findTargetQuery, query));
      const found = await snapshot.index?.find({
        request,
        receivedLsn: receivedLsn(snapshot),
        restoreCommandLine: restoreCommandLine(snapshot.server.name),
        action: 'pause',
      });
      return foundTargetView(snapshot, found, Date.now());
    },
  );
}

function receivedLsn({ live }: ServerSnapshot): ReturnType<typeof parseLsn> | undefined {
  const lsn = live?.value.receiver.state?.flushedLsn;
  return lsn == null ? undefined : parseLsn(lsn);
}

/** A shell that does not find walvault ends with 127, at which PostgreSQL stops, as it should. */
function restoreCommandLine(server: string): string {
  const word = /^[\w.-]+$/.test(server) ? server : `'${server.replaceAll("'", String.raw`'\''`).replaceAll('%', '%%')}'`;
  const command = `walvault restore-wal ${word} "%f" "%p"`;
  return `restore_command = '${command.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;
}
