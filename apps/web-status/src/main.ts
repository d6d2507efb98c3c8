/** The program: argv in, exit code out. */
import { WalvaultError } from '@walvault/wal';
import { Command } from 'commander';
import { destination, pino } from 'pino';
import { programVersion } from './program-version.ts';
import { serve, type ServeOptions } from './serve.ts';

/** How long an end in good order may take, in milliseconds: a question to a server that does not answer is not waited for. */
const graceMs = 2000;

function several(value: string, before: readonly string[] = []): readonly string[] {
  return [
    ...before,
    ...value
      .split(',')
      .map((one) => one.trim())
      .filter((one) => one !== ''),
  ];
}

const stop = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    stop.abort();
    setTimeout(() => process.exit(0), graceMs).unref();
  });
}

const program = new Command('walvault-web-status')
  .description('The status page of walvault, its API and its metrics. It reads state and changes nothing.')
  .version(programVersion)
  .option('-c, --config <file>', 'configuration file; found as walvault finds it unless given')
  .option('--listen <host:port>', 'address to listen at; another one than loopback needs a secret and TLS', '127.0.0.1:8432')
  .option('--token-file <file>', 'file with the token that requests have to show')
  .option('--basic-auth-file <file>', 'file with one line USER:PASSWORD, for basic authentication')
  .option('--tls-cert <file>', 'certificate with its chain, PEM')
  .option('--tls-key <file>', 'key of the certificate, PEM')
  .option('--trust-proxy <addresses>', 'addresses or networks of the proxies that do TLS, with commas between', several)
  .option('--allow-host <name>', 'name that may be asked for besides those of loopback, where there is no secret', several)
  .option('--base-path <path>', 'path below which a proxy shows it', '/')
  .option('--history <file>', 'file of the history; walvault-web-status.sqlite in barman_home unless given')
  .action(async (options: ServeOptions) => {
    const log = pino(
      { base: { pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime },
      destination({ dest: 2, sync: true }),
    );
    await serve(options, log, stop.signal);
  });

try {
  await program.parseAsync();
  // A question to a server that is under way would keep the process.
  process.exit();
} catch (error) {
  if (!WalvaultError.is(error)) throw error;
  process.stderr.write(`ERROR: ${error.message}\n${error.hint === undefined ? '' : `HINT: ${error.hint}\n`}`);
  process.exit(1);
}
