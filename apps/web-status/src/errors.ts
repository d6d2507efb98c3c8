/** Errors of the status page. */
import { type RetryAdvice, WalvaultError, type WalvaultErrorOptions } from '@walvault/wal';

/** Codes of the errors of the status page. */
export type WebStatusErrorCode =
  /**
   * walvault-web-status was to listen where others can reach it, without authentication or without encryption, and did not start.
   *
   * @why Only loopback is open without a password. At any other address the page needs a token or a password, and TLS so that nobody
   * can read it on the way.
   * @do Give `--token-file` (or `--basic-auth-file`) and either `--tls-cert` with `--tls-key`, or `--trust-proxy` with the address of
   * the proxy that does TLS; or listen at 127.0.0.1.
   * @retry fatal
   */
  | 'ERR_OPEN_ADDRESS'
  /**
   * An option of walvault-web-status has a value that makes no sense.
   *
   * @why It was typed wrong, or two options contradict each other. The message says which and what is allowed.
   * @do Correct the command line. `walvault-web-status --help` lists all options.
   * @retry fatal
   */
  | 'ERR_OPTION'
  /**
   * The file with the token, the password or the key cannot be used.
   *
   * @why It cannot be read, everybody on this machine can read it, or its content is too short or of another form.
   * @do Make it by `(umask 077; openssl rand -base64 32 > FILE)` as the user that walvault-web-status runs as. The file of
   * `--basic-auth-file` holds one line `USER:PASSWORD`.
   * @retry fatal
   */
  | 'ERR_SECRET_FILE'
  /**
   * The file of the history is damaged, or no database at all.
   *
   * @why The disk has lost a part of it, or something has written over it. It is left as it is. Where this shows at the start, the
   * program goes on and keeps the history in memory alone; later, what is in the damaged part cannot be shown.
   * @do End walvault-web-status, move the file away, and start it again. A new history begins then; nothing of the archive depends on it.
   * @retry fatal
   */
  | 'ERR_HISTORY_DAMAGED'
  /**
   * The file of the history cannot be used.
   *
   * @why Another program has made it, a newer walvault-web-status has, or it cannot be opened. It is not overwritten.
   * @do Move it away, or name another one by `--history`. A new history begins then; nothing of the archive depends on it.
   * @retry fatal
   */
  | 'ERR_HISTORY_FILE'
  /**
   * Another process uses the file of the history.
   *
   * @why walvault-web-status runs already with this configuration.
   * @do End the other one, or give this one a file of its own by `--history`.
   * @retry retry
   */
  | 'ERR_HISTORY_IN_USE'
  /**
   * walvault-web-status cannot listen at its address.
   *
   * @why Another program listens there, the address is not one of this machine, or the port needs more rights.
   * @do Choose another one by `--listen HOST:PORT`.
   * @retry fatal
   */
  | 'ERR_LISTEN'
  /**
   * The thread of walvault-web-status that looks at archives has ended before it was done.
   *
   * @why The machine has too little memory for what it knows of a very large archive, or an archive beside it did not answer.
   * @do Nothing: another thread is started, and looks again within a minute. If it goes on, give the machine more memory, and see the log.
   * @retry retry
   */
  | 'ERR_SURVEY_DIED'
  /**
   * The archive of a server, or the thread of walvault-web-status that looks at archives, does not answer in time.
   *
   * @why The file system of the archive hangs: a file server that is gone, a disk that is dying. Other servers are looked at meanwhile.
   * @do See whether `ls` of the directories of the server returns, and mend the mount. It is looked at again when its calls come back.
   * @retry retry
   */
  | 'ERR_SURVEY_LATE';

/** Something that the status page cannot do. */
export class WebStatusError extends WalvaultError {
  readonly code: WebStatusErrorCode;
  readonly retry: RetryAdvice;

  constructor(code: WebStatusErrorCode, message: string, options: WalvaultErrorOptions & { retry?: RetryAdvice } = {}) {
    super(message, options);
    this.code = code;
    this.retry = options.retry ?? 'fatal';
  }
}
