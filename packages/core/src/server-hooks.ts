/** The hook scripts of a server as its section of the configuration says. */
import type { HookOptions, HookScripts, HookSubject } from '@walvault/archiver';
import type { ServerConfig } from '@walvault/config';

/** The scripts around archiving, or around deleting, a WAL file. */
export function hookScripts(server: ServerConfig, subject: HookSubject): HookScripts {
  const { hooks } = server;
  return subject === 'archive'
    ? { pre: hooks.preArchive, preRetry: hooks.preArchiveRetry, postRetry: hooks.postArchiveRetry, post: hooks.postArchive }
    : {
        pre: hooks.preWalDelete,
        preRetry: hooks.preWalDeleteRetry,
        postRetry: hooks.postWalDeleteRetry,
        post: hooks.postWalDelete,
      };
}

/** How they are run. */
export function hookOptions(server: ServerConfig, subject: HookSubject, given: Pick<HookOptions, 'signal' | 'log'>): HookOptions {
  return { subject, timeoutMs: server.hookTimeoutMs, ...given };
}
