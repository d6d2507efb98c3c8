/** The program: argv in, a server that listens until it is told to stop. */
import { readFileSync } from 'node:fs';
import { loadConfiguration } from '@walvault/core/configuration';
import { WalvaultError } from '@walvault/wal';
import { Command } from 'commander';
import { destination, pino } from 'pino';
import { buildApp } from './api/build-app.ts';
import { Collector } from './collector/collector.ts';

interface Options {
  readonly config?: string | undefined;
  readonly listen: string;
}

const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { readonly version: string };

const program = new Command('walvault-web-status')
  .description('The status page of walvault, its API and its metrics. It reads state and changes nothing.')
  .version(manifest.version)
  .option('-c, --config <file>', 'configuration file; found as walvault finds it unless given')
  .option('--listen <host:port>', 'address to listen at', '127.0.0.1:8432')
  .action(serve);

async function serve({ config, listen }: Options): Promise<void> {
  const log = pino({ base: { pid: process.pid } }, destination({ dest: 2, sync: true }));
  const { servers } = await loadConfiguration({ explicit: config });
  const collector = new Collector([...servers.values()]);
  const app = await buildApp({ collector, log });
  const [, host = '', port = ''] = /^\[?(.*?)\]?:(\d+)$/.exec(listen) ?? [];
  await app.listen({ host, port: Number(port) });
  const stop = async (): Promise<void> => {
    collector[Symbol.dispose]();
    await app.close();
    process.exit(0);
  };
  process.once('SIGINT', () => void stop());
  process.once('SIGTERM', () => void stop());
}

try {
  await program.parseAsync();
} catch (error) {
  if (!WalvaultError.is(error)) throw error;
  process.stderr.write(`ERROR: ${error.message}\n${error.hint === undefined ? '' : `HINT: ${error.hint}\n`}`);
  process.exitCode = 1;
}
