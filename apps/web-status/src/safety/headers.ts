/** Headers that tell browsers what the page may do: nothing but load its own files and talk to this server. No inline script or style. */
import helmet from '@fastify/helmet';
import type { FastifyInstance } from 'fastify';

/** Adds them to every answer. @param isTls whether browsers reach us by TLS, at least up to the proxy */
export async function sendSafeHeaders(app: FastifyInstance, isTls: boolean): Promise<void> {
  await app.register(helmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        fontSrc: ["'self'"],
        connectSrc: ["'self'"],
        manifestSrc: ["'self'"],
        baseUri: ["'none'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
      },
    },
    crossOriginEmbedderPolicy: true,
    referrerPolicy: { policy: 'no-referrer' },
    // Over plain HTTP on loopback it would make browsers refuse other things on this machine.
    strictTransportSecurity: isTls ? { maxAge: 31_536_000, includeSubDomains: false } : false,
  });
}
