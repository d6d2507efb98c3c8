/**
 * Who may ask: everybody on loopback, as long as no secret is configured, and otherwise who shows the token or the password. A browser
 * shows it once, to the login page, and has a cookie from then on.
 */
import { createHash, createHmac, randomBytes, timingSafeEqual } from 'node:crypto';

/** What is to be shown. */
export type Secret =
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'basic'; readonly userAndPassword: string };

/** How long a browser stays logged in, in milliseconds. */
export const sessionMs = 12 * 3_600_000;

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}

/** Compares without telling by its duration how much was right. */
function isSame(one: string, other: string): boolean {
  return timingSafeEqual(digest(one), digest(other));
}

/** Judges what requests show. */
export class Access {
  readonly #secret: Secret;
  readonly #key: Buffer;
  /** Sessions that were ended before their time, and when that would have come. */
  readonly #ended = new Map<string, number>();

  constructor(secret: Secret) {
    this.#secret = secret;
    // Who has the secret changed, logs out everybody. A restart does not.
    this.#key = createHash('sha256').update(`walvault-web-status session ${this.#text}`).digest();
  }

  get kind(): Secret['kind'] {
    return this.#secret.kind;
  }

  /** Whether an `Authorization` header shows the secret. */
  admits(authorization: string | undefined): boolean {
    const [, scheme = '', value = ''] = /^(\S{1,20}) +(\S{1,4096})$/.exec(authorization ?? '') ?? [];
    if (this.#secret.kind === 'token') return scheme.toLowerCase() === 'bearer' && isSame(value, this.#secret.token);
    return (
      scheme.toLowerCase() === 'basic' && isSame(Buffer.from(value, 'base64').toString('utf8'), this.#secret.userAndPassword)
    );
  }

  /** Whether what was typed into the login page is the secret. */
  admitsTyped(text: string): boolean {
    return isSame(text, this.#text);
  }

  /** The value of a cookie that is good for {@link sessionMs} from now on. It does not hold the secret. */
  session(nowMs: number): string {
    const claim = `${nowMs + sessionMs}.${randomBytes(9).toString('base64url')}`;
    return `${claim}.${this.#sign(claim)}`;
  }

  /** Whether a cookie is one of ours, and still good. */
  admitsSession(cookie: string | undefined, nowMs: number): boolean {
    const [, claim = '', until = '', signature = ''] = /^((\d{13,15})\.[\w-]{12})\.([\w-]{43})$/.exec(cookie ?? '') ?? [];
    if (claim === '' || !isSame(signature, this.#sign(claim)) || this.#ended.has(claim)) return false;
    return Number(until) > nowMs && Number(until) <= nowMs + sessionMs;
  }

  /** From now on a session is not good any more, for as long as this process lives. What is no session of ours is left alone. */
  endSession(cookie: string | undefined, nowMs: number): void {
    if (cookie === undefined || !this.admitsSession(cookie, nowMs)) return;
    for (const [claim, untilMs] of this.#ended) if (untilMs <= nowMs) this.#ended.delete(claim);
    this.#ended.set(cookie.slice(0, cookie.lastIndexOf('.')), nowMs + sessionMs);
  }

  get #text(): string {
    return this.#secret.kind === 'token' ? this.#secret.token : this.#secret.userAndPassword;
  }

  #sign(text: string): string {
    return createHmac('sha256', this.#key).update(text).digest('base64url');
  }
}
