/** From options to a server that listens, until it is told to stop. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { AddressInfo } from 'node:net';
import { createSecureContext } from 'node:tls';
import { type Configuration, formatProblem, loadConfiguration } from '@walvault/core/configuration';
import type { Logger } from 'pino';
import { buildApp, type SafetyOptions, type TlsFiles } from './api/build-app.ts';
import { Collector } from './collector/collector.ts';
import { WebStatusError } from './errors.ts';
import { History } from './history/history.ts';
import { isLoopback, type ListenAddress, parseListen, requireProtection, trustedProxy } from './safety/listen-policy.ts';
import { readSecret } from './safety/read-secret.ts';

/** What may be said on the command line. */
export interface ServeOptions {
  readonly config?: string | undefined;
  readonly listen: string;
  readonly tokenFile?: string | undefined;
  readonly basicAuthFile?: string | undefined;
  readonly tlsCert?: string | undefined;
  readonly tlsKey?: string | undefined;
  readonly trustProxy?: readonly string[] | undefined;
  readonly allowHost?: readonly string[] | undefined;
  readonly basePath: string;
  readonly history?: string | undefined;
}

/** Name of the file in `barman_home`. */
const historyName = 'walvault-web-status.sqlite';
/** A file that could not be written is complained about at most so often, in milliseconds. */
const complaintMs = 60_000;

/**
 * Serves until the signal is aborted.
 * @throws {WebStatusError} when the options are not safe or make no sense, @throws {ConfigError}
 */
export async function serve(options: ServeOptions, log: Logger, stop: AbortSignal): Promise<void> {
  const address = parseListen(options.listen);
  const safety = await safetyOf(options, address);
  const configuration = await configurationOf(options.config, log);
  using collector = new Collector([...configuration.servers.values()]);
  const path = options.history ?? join(configuration.globals.barmanHome, historyName);
  using history = openHistory(path, collector, log);
  const basePath = basePathOf(options.basePath);
  await using app = await buildApp({ collector, history, log, basePath, safety });
  await app.listen({ host: address.host, port: address.port }).catch((error: unknown) => {
    throw cannotListen(options.listen, error);
  });
  const { port } = app.server.address() as AddressInfo;
  log.info({ host: address.host, port, basePath, history: path }, 'listening');
  const reload = (): void => void reconfigure(configuration.file, collector, log);
  process.on('SIGHUP', reload);
  await new Promise((resolve) => stop.addEventListener('abort', resolve, { once: true }));
  process.off('SIGHUP', reload);
}

/** Without its file the page still has to say whether the data is safe. */
function openHistory(path: string, collector: Collector, log: Logger): History {
  try {
    return new History(path, collector, complaints(log));
  } catch (error) {
    if (!(error instanceof WebStatusError) || error.code !== 'ERR_HISTORY_DAMAGED') throw error;
    const { code, message, hint } = error;
    log.error({ code, reason: message, hint }, 'the history is kept in memory alone, until the end of this process');
    return new History(':memory:', collector, complaints(log));
  }
}

async function safetyOf(options: ServeOptions, address: ListenAddress): Promise<SafetyOptions> {
  const { allowHost = [] } = options;
  const trustProxy = options.trustProxy?.map(trustedProxy);
  const secret = await readSecret(options);
  const tls = await tlsOf(options);
  requireProtection(address, {
    hasSecret: secret !== undefined,
    hasTls: tls !== undefined,
    hasTrustedProxy: trustProxy !== undefined && trustProxy.length > 0,
  });
  const needsHttps = tls === undefined && !isLoopback(address.host);
  return { secret, tls, trustedProxies: trustProxy, needsHttps, allowedHosts: allowHost.map((name) => name.toLowerCase()) };
}

async function tlsOf({ tlsCert, tlsKey }: ServeOptions): Promise<TlsFiles | undefined> {
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined)
    throw new WebStatusError('ERR_OPTION', '--tls-cert and --tls-key belong together', { hint: 'Give both, or none.' });
  const files = { cert: await pem(tlsCert), key: await pem(tlsKey) };
  try {
    createSecureContext(files);
    return files;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new WebStatusError('ERR_SECRET_FILE', `"${tlsCert}" and "${tlsKey}" are no certificate with its key: ${reason}`, {
      hint: 'Give the certificate with its chain, and the key that belongs to it, without a passphrase, both PEM.',
      cause: error,
    });
  }
}

async function pem(path: string): Promise<Buffer> {
  return readFile(path).catch((error: unknown) => {
    throw new WebStatusError('ERR_SECRET_FILE', `"${path}" cannot be read`, {
      hint: 'Name a PEM file that this user can read.',
      cause: error,
    });
  });
}

/** `/wal` of `/wal/` and `wal`; empty of `/`. @throws {WebStatusError} `ERR_OPTION` */
function basePathOf(text: string): string {
  const words = text.split('/').filter((word) => word !== '');
  if (words.every((word) => /^[\w.~-]+$/.test(word) && !/^\.+$/.test(word))) return words.map((word) => `/${word}`).join('');
  throw new WebStatusError('ERR_OPTION', `--base-path "${text}" is no path`, {
    hint: 'Write it like /walvault, of letters, digits and -._~.',
  });
}

async function configurationOf(file: string | undefined, log: Logger): Promise<Configuration> {
  const configuration = await loadConfiguration({ explicit: file });
  for (const warning of configuration.warnings) log.warn(formatProblem(warning));
  return configuration;
}

/** A configuration that cannot be read changes nothing. */
async function reconfigure(file: string, collector: Collector, log: Logger): Promise<void> {
  try {
    const { servers } = await configurationOf(file, log);
    collector.configure([...servers.values()]);
    log.info({ servers: servers.size }, 'the configuration was read again');
  } catch (error) {
    log.error(
      { reason: error instanceof Error ? error.message : String(error) },
      'the configuration cannot be read; the old one stays',
    );
  }
}

function complaints(log: Logger): (error: unknown) => void {
  let complainedMs = -complaintMs;
  return (error) => {
    if (performance.now() - complainedMs < complaintMs) return;
    complainedMs = performance.now();
    log.error({ reason: error instanceof Error ? error.message : String(error) }, 'the history cannot be written');
  };
}

function cannotListen(listen: string, error: unknown): WebStatusError {
  const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error);
  return new WebStatusError('ERR_LISTEN', `cannot listen at ${listen}: ${reason}`, {
    hint:
      reason === 'EADDRINUSE'
        ? 'Something listens there already; choose another port by --listen.'
        : 'Choose another address by --listen.',
    cause: error,
  });
}
