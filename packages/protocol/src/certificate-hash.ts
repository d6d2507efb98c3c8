/**
 * The hash of a server certificate that binds SCRAM to the TLS channel: tls-server-end-point (RFC 5929 section 4.1;
 * pgtls_get_peer_certificate_hash). It is taken with the hash function of the certificate's own signature, but with
 * SHA-256 in place of MD5 and SHA-1. Which one that is stands in the certificate's DER, of which as much is read here as
 * it takes to get there: Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm { oid, parameters }, ... }.
 */
import { createHash } from 'node:crypto';

/** Hash functions by the object identifier of a signature algorithm, or of the hash itself (inside RSASSA-PSS). */
const hashOfAlgorithm: ReadonlyMap<string, string> = new Map([
  ['2a864886f70d010104', 'sha256'], // md5WithRSAEncryption
  ['2a864886f70d010105', 'sha256'], // sha1WithRSAEncryption
  ['2a864886f70d01010b', 'sha256'], // sha256WithRSAEncryption
  ['2a864886f70d01010c', 'sha384'], // sha384WithRSAEncryption
  ['2a864886f70d01010d', 'sha512'], // sha512WithRSAEncryption
  ['2a864886f70d01010e', 'sha224'], // sha224WithRSAEncryption
  ['2a8648ce3d0401', 'sha256'], // ecdsa-with-SHA1
  ['2a8648ce3d040301', 'sha224'], // ecdsa-with-SHA224
  ['2a8648ce3d040302', 'sha256'], // ecdsa-with-SHA256
  ['2a8648ce3d040303', 'sha384'], // ecdsa-with-SHA384
  ['2a8648ce3d040304', 'sha512'], // ecdsa-with-SHA512
  ['2b0e03021a', 'sha256'], // SHA-1
  ['608648016503040201', 'sha256'],
  ['608648016503040202', 'sha384'],
  ['608648016503040203', 'sha512'],
  ['608648016503040204', 'sha224'],
]);
const rsaPss = '2a864886f70d01010a';

/**
 * The channel binding data of a certificate in DER.
 * @returns undefined when its signature has no hash function of its own (Ed25519) or one that is not known here.
 */
export function certificateHash(certificate: Buffer): Buffer | undefined {
  const algorithm = signatureHash(certificate);
  return algorithm === undefined ? undefined : createHash(algorithm).update(certificate).digest();
}

function signatureHash(certificate: Buffer): string | undefined {
  const [, signatureAlgorithm] = children(children(certificate)[0]);
  const [oid, parameters] = children(signatureAlgorithm);
  if (oid?.toString('hex') !== rsaPss) return hashOfAlgorithm.get(oid?.toString('hex') ?? '');
  // RSASSA-PSS-params: the hash is the element tagged [0], a SEQUENCE with its identifier; SHA-1 when it is left out.
  const tagged = parameters?.[0] === 0xa0 ? children(parameters)[0] : undefined;
  const hash = tagged === undefined ? undefined : children(children(tagged)[0])[0];
  return tagged === undefined ? 'sha256' : hashOfAlgorithm.get(hash?.toString('hex') ?? '');
}

/** The contents of the DER elements that stand one behind the other in `bytes`. Stops at what is no DER. */
function children(bytes: Buffer = Buffer.alloc(0)): readonly Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at + 2 <= bytes.length; ) {
    const short = bytes.readUInt8(at + 1);
    const lengthBytes = short < 0x80 ? 0 : short & 0x7f;
    if (lengthBytes > 4 || at + 2 + lengthBytes > bytes.length) return found;
    const start = at + 2 + lengthBytes;
    const length = lengthBytes === 0 ? short : bytes.readUIntBE(at + 2, lengthBytes);
    found.push(bytes.subarray(start, start + length));
    at = start + length;
  }
  return found;
}
