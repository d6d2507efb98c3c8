/**
 * X.509 certificates for tests, made without openssl: an authority that signs server and client certificates (ECDSA P-256).
 * Only as much of RFC 5280 as TLS clients look at: names, validity, key usage, subject alternative names.
 */
import { type KeyObject, createPrivateKey, generateKeyPairSync, randomBytes, sign } from 'node:crypto';
import { isIP } from 'node:net';

/** A certificate and its key, both PEM. */
export interface KeyAndCertificate {
  readonly certificate: string;
  readonly privateKey: string;
}

/** What a certificate says. */
export interface CertificateRequest {
  /** The subject's common name: of a server its host name, of a client its database user. */
  readonly commonName: string;
  /** Host names and IP addresses the certificate is good for. Default none. */
  readonly names?: readonly string[] | undefined;
  /** Start and end of validity. Default from yesterday for a year. */
  readonly validFrom?: Date | undefined;
  readonly validTo?: Date | undefined;
}

/** A certificate authority of a test. */
export interface Authority extends KeyAndCertificate {
  /** Makes a key and signs a certificate for it. */
  issue(request: CertificateRequest): KeyAndCertificate;
}

const dayMs = 86_400_000;
const tag = {
  boolean: 0x01,
  integer: 0x02,
  bits: 0x03,
  octets: 0x04,
  oid: 0x06,
  utf8: 0x0c,
  time: 0x18,
  sequence: 0x30,
  set: 0x31,
} as const;
const ecdsaWithSha256 = '06082a8648ce3d040302';
const oid = {
  commonName: '0603550403',
  subjectAltName: '0603551d11',
  basicConstraints: '0603551d13',
  keyUsage: '0603551d0f',
} as const;

/** Makes an authority whose certificate signs itself. */
export function createAuthority(commonName = 'walvault test authority'): Authority {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const privateKey = pem(keys.privateKey);
  const extensions = [extension(oid.basicConstraints, der(tag.sequence, der(tag.boolean, Buffer.of(0xff)))), keyUsage(0x06, 1)];
  const certificate = certify(
    { commonName },
    { subjectKey: keys.publicKey, issuer: commonName, issuerKey: keys.privateKey, extensions },
  );
  return {
    certificate,
    privateKey,
    issue(request) {
      const own = generateKeyPairSync('ec', { namedCurve: 'P-256' });
      const names = request.names === undefined ? [] : [extension(oid.subjectAltName, alternativeNames(request.names))];
      const signer = { issuer: commonName, issuerKey: createPrivateKey(privateKey), extensions: [keyUsage(0x80, 7), ...names] };
      return { certificate: certify(request, { subjectKey: own.publicKey, ...signer }), privateKey: pem(own.privateKey) };
    },
  };
}

interface Signing {
  readonly subjectKey: KeyObject;
  readonly issuer: string;
  readonly issuerKey: KeyObject;
  readonly extensions: readonly Buffer[];
}

/** RFC 5280, 4.1: tbsCertificate, algorithm, signature. */
function certify(request: CertificateRequest, { subjectKey, issuer, issuerKey, extensions }: Signing): string {
  const algorithm = der(tag.sequence, Buffer.from(ecdsaWithSha256, 'hex'));
  const from = request.validFrom ?? new Date(Date.now() - dayMs);
  const to = request.validTo ?? new Date(Date.now() + 365 * dayMs);
  const body = der(
    tag.sequence,
    der(0xa0, der(tag.integer, Buffer.of(2))),
    der(tag.integer, Buffer.concat([Buffer.of(0x40), randomBytes(15)])),
    algorithm,
    distinguishedName(issuer),
    der(tag.sequence, time(from), time(to)),
    distinguishedName(request.commonName),
    subjectKey.export({ type: 'spki', format: 'der' }),
    der(0xa3, der(tag.sequence, ...extensions)),
  );
  const signature = sign('sha256', body, issuerKey);
  return toPem('CERTIFICATE', der(tag.sequence, body, algorithm, der(tag.bits, Buffer.of(0), signature)));
}

function distinguishedName(commonName: string): Buffer {
  const attribute = der(tag.sequence, Buffer.from(oid.commonName, 'hex'), der(tag.utf8, Buffer.from(commonName)));
  return der(tag.sequence, der(tag.set, attribute));
}

function time(date: Date): Buffer {
  return der(tag.time, Buffer.from(date.toISOString().replaceAll(/[-:T]|\.\d+/g, '')));
}

function extension(name: string, value: Buffer): Buffer {
  return der(tag.sequence, Buffer.from(name, 'hex'), der(tag.octets, value));
}

/** A bit string of one byte whose last `unused` bits do not count: digitalSignature is 0x80, keyCertSign and cRLSign are 0x06. */
function keyUsage(bits: number, unused: number): Buffer {
  return extension(oid.keyUsage, der(tag.bits, Buffer.of(unused, bits)));
}

function alternativeNames(names: readonly string[]): Buffer {
  const entries = names.map((name) =>
    isIP(name) === 4 ? der(0x87, Buffer.from(name.split('.').map(Number))) : der(0x82, Buffer.from(name)),
  );
  return der(tag.sequence, ...entries);
}

/** One value in DER: tag, length, content. */
function der(tagByte: number, ...content: readonly Buffer[]): Buffer {
  const body = Buffer.concat(content);
  const size = body.length;
  const length = size < 0x80 ? [size] : size < 0x100 ? [0x81, size] : [0x82, size >> 8, size & 0xff];
  return Buffer.concat([Buffer.of(tagByte, ...length), body]);
}

function pem(key: KeyObject): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString();
}

function toPem(label: string, bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? [];
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n');
}
