/** What is damaged in the archive of a server, as names, checks on record and callers say. */
import { Catalog, CatalogError, type Damage, findDamage } from '@walvault/archiver';
import type { ServerConfig } from '@walvault/config';
import { type Logger, tryParseWalFileName } from '@walvault/wal';
import { catalogPath } from './server-paths.ts';
import { readOptions } from './server-wal.ts';

/**
 * Looks for damage: holes, what `verify-wal` has found bad, and what the caller names.
 * @throws what `findDamage` throws
 */
export async function damageOfServer(server: ServerConfig, names: readonly string[], log: Logger): Promise<Damage> {
  const suspects = new Set([...names, ...suspectsOnRecord(server, log)]);
  return findDamage(await readOptions(server), [...suspects]);
}

/** A catalogue that cannot be used says nothing; the files are looked at all the same. */
function suspectsOnRecord(server: ServerConfig, log: Logger): readonly string[] {
  try {
    using catalog = Catalog.open(catalogPath(server), { readOnly: true });
    const checks = catalog.records.badChecks().filter(({ verdict }) => verdict === 'bad');
    return checks.map(({ name }) => name).filter((name) => tryParseWalFileName(name)?.kind === 'segment');
  } catch (error) {
    if (!(error instanceof CatalogError)) throw error;
    if (error.code !== 'ERR_CATALOG_MISSING') log.warn({ server: server.name, code: error.code }, error.message);
    return [];
  }
}
