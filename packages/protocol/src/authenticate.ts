/**
 * The conversation between the startup message and "authentication ok" ("Start-up" and "SASL Authentication" in the
 * protocol chapter; fe-auth.c): trust, peer and cert need no word from us, the others are clear text, MD5 and SCRAM.
 *
 * "Ok" is taken only when nothing is left open: not in the middle of a SCRAM exchange, not before the server has proved
 * that it knows the password, and not where authentication-demands.ts misses something.
 */
import { createHash } from 'node:crypto';
import { type DemandingParameters, demandEnd, demandMethod } from './authentication-demands.ts';
import { certificateHash } from './certificate-hash.ts';
import type { ConnectionParameters } from './connection-parameters.ts';
import { AuthenticationError } from './errors.ts';
import { passwordMessage, saslInitialResponse, saslResponse } from './frontend-messages.ts';
import type { AuthenticationRequest } from './message-bodies.ts';
import { type ScramBinding, ScramClient } from './scram.ts';
import type { Session } from './session.ts';

/** Who we are, what we know, and what we insist on. */
export interface Credentials extends DemandingParameters, Pick<ConnectionParameters, 'user' | 'scramKeys'> {
  /** Password for this host. */
  readonly password: string | undefined;
}

const plainMechanism = 'SCRAM-SHA-256';
const boundMechanism = 'SCRAM-SHA-256-PLUS';

/** Answers authentication requests, one after the other, until the server is content. */
export class Authentication {
  readonly #session: Session;
  readonly #credentials: Credentials;
  #scram: ScramClient | undefined;
  #state: 'initial' | 'challenged' | 'answered' | 'complete' = 'initial';
  #isBound = false;

  constructor(session: Session, credentials: Credentials) {
    this.#session = session;
    this.#credentials = credentials;
  }

  /**
   * Answers one request.
   * @returns whether we are in. @throws {AuthenticationError} when the server must not be answered.
   */
  async answer(request: AuthenticationRequest): Promise<boolean> {
    switch (request.method) {
      case 'ok':
        this.#checkComplete();
        return true;
      case 'cleartextPassword':
        demandMethod('password', false, this.#credentials);
        this.#sendPassword((password) => password);
        break;
      case 'md5Password':
        demandMethod('md5', false, this.#credentials);
        this.#sendPassword((password) => md5Answer(this.#credentials.user, password, request.salt));
        break;
      case 'sasl':
        this.#beginScram(request.mechanisms);
        break;
      case 'saslContinue':
        this.#session.write(saslResponse(await this.#scramIn('challenged', 'answered').clientFinal(request.data)));
        break;
      case 'saslFinal':
        this.#scramIn('answered', 'complete').verifyServer(request.data);
        break;
    }
    return false;
  }

  #sendPassword(answer: (password: string) => string): void {
    if (this.#state !== 'initial') throw outOfOrder();
    this.#session.write(passwordMessage(answer(this.#password())));
    this.#state = 'complete';
  }

  #beginScram(mechanisms: readonly string[]): void {
    if (this.#state !== 'initial') throw outOfOrder();
    const { mechanism, binding } = this.#chooseMechanism(mechanisms);
    this.#isBound = mechanism === boundMechanism;
    demandMethod('scram-sha-256', this.#isBound, this.#credentials);
    const { clientKey, serverKey } = this.#credentials.scramKeys;
    const needsPassword = clientKey === undefined || serverKey === undefined;
    const password = needsPassword ? this.#password() : undefined;
    this.#scram = new ScramClient({ password, clientKey, serverKey, binding });
    this.#state = 'challenged';
    this.#session.write(saslInitialResponse(mechanism, this.#scram.clientFirst));
  }

  #chooseMechanism(mechanisms: readonly string[]): { mechanism: string; binding: ScramBinding } {
    const { tls } = this.#session;
    const isOffered = mechanisms.includes(boundMechanism);
    if (isOffered && tls === undefined) {
      throw new AuthenticationError(`the server offers ${boundMechanism} on a connection without TLS`);
    }
    const data = this.#credentials.channelBinding === 'disable' ? undefined : endPointData(tls?.getPeerX509Certificate()?.raw);
    if (isOffered && data !== undefined) {
      return { mechanism: boundMechanism, binding: { gs2Header: 'p=tls-server-end-point,,', data } };
    }
    if (!mechanisms.includes(plainMechanism)) throw unknownMechanisms(mechanisms);
    return {
      mechanism: plainMechanism,
      binding: { gs2Header: data === undefined ? 'n,,' : 'y,,', data: Buffer.alloc(0) },
    };
  }

  #scramIn(from: 'challenged' | 'answered', to: 'answered' | 'complete'): ScramClient {
    if (this.#scram === undefined || this.#state !== from) throw outOfOrder();
    this.#state = to;
    return this.#scram;
  }

  #checkComplete(): void {
    if (this.#scram !== undefined && this.#state !== 'complete') {
      throw new AuthenticationError('the server ended the SCRAM exchange without proving that it knows the password', {
        hint: 'This may not be the server you mean: check host and port, and use sslmode=verify-full.',
      });
    }
    const end = { isComplete: this.#state === 'complete', isBound: this.#isBound, tls: this.#session.tls };
    demandEnd(end, this.#credentials);
  }

  #password(): string {
    const { user, password } = this.#credentials;
    if (password !== undefined && password !== '') return password;
    throw new AuthenticationError(`the server asks for the password of user "${user}", and none is given`, {
      hint: 'Put it into the password file (~/.pgpass, for replication with "replication" as database), or set PGPASSWORD or passfile.',
    });
  }
}

function md5Answer(user: string, password: string, salt: Buffer): string {
  const inner = createHash('md5').update(password).update(user).digest('hex');
  return `md5${createHash('md5').update(inner).update(salt).digest('hex')}`;
}

function endPointData(certificate: Buffer | undefined): Buffer | undefined {
  return certificate === undefined ? undefined : certificateHash(certificate);
}

function unknownMechanisms(mechanisms: readonly string[]): AuthenticationError {
  const names = mechanisms.map((name) => name.replaceAll(/[^\x21-\x7e]/g, '?')).join(', ');
  return new AuthenticationError(`the server offers only authentication that is not supported: ${names}`, {
    hint: 'Give this user a line with scram-sha-256 or cert in pg_hba.conf of the server.',
  });
}

function outOfOrder(): AuthenticationError {
  return new AuthenticationError('the server sent authentication requests in an order that makes no sense');
}
