/**
 * The messages a PostgreSQL server sends, as raw bytes ("Message Formats", protocol 3.0; "Streaming Replication Protocol").
 * Written by hand on purpose: a test of our parser must not be fed by the parser's own library.
 */

/** Type byte, length, content. */
export function backendMessage(type: string, ...content: readonly Buffer[]): Buffer {
  const body = Buffer.concat(content);
  return Buffer.concat([Buffer.from(type, 'latin1'), int32(body.length + 4), body]);
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function int64(value: bigint): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt.asIntN(64, value));
  return bytes;
}

function text(value: string): Buffer {
  return Buffer.from(`${value}\0`);
}

function authentication(code: number, ...content: readonly Buffer[]): Buffer {
  return backendMessage('R', int32(code), ...content);
}

/** Fields of an ErrorResponse or NoticeResponse by their type byte: `{ S: 'FATAL', C: '57P01', M: 'terminating connection' }`. */
export type ReportFields = Readonly<Record<string, string>>;

function report(type: 'E' | 'N', fields: ReportFields): Buffer {
  const entries = Object.entries(fields).map(([name, value]) => text(name + value));
  return backendMessage(type, ...entries, Buffer.of(0));
}

/** Columns of a row: text, or null. */
function dataRow(values: readonly (string | Buffer | null)[]): Buffer {
  const columns = values.flatMap((value) =>
    value === null ? [int32(-1)] : [int32(Buffer.byteLength(value)), Buffer.from(value as string)],
  );
  return backendMessage('D', int16(values.length), ...columns);
}

function rowDescription(names: readonly string[]): Buffer {
  // table, column number, type text, its size, modifier, text format
  const rest = Buffer.concat([int32(0), int16(0), int32(25), int16(-1), int32(-1), int16(0)]);
  return backendMessage('T', int16(names.length), ...names.flatMap((name) => [text(name), rest]));
}

function copyResponse(type: 'G' | 'H' | 'W'): Buffer {
  return backendMessage(type, Buffer.of(0), int16(0));
}

/** Builders of backend messages, by the names of the documentation. */
export const backend = {
  authenticationOk: (): Buffer => authentication(0),
  authenticationCleartextPassword: (): Buffer => authentication(3),
  authenticationMd5Password: (salt: Buffer): Buffer => authentication(5, salt),
  authenticationSasl: (mechanisms: readonly string[]): Buffer => authentication(10, ...mechanisms.map(text), Buffer.of(0)),
  authenticationSaslContinue: (data: string): Buffer => authentication(11, Buffer.from(data)),
  authenticationSaslFinal: (data: string): Buffer => authentication(12, Buffer.from(data)),
  parameterStatus: (name: string, value: string): Buffer => backendMessage('S', text(name), text(value)),
  backendKeyData: (processId: number, secretKey: number): Buffer => backendMessage('K', int32(processId), int32(secretKey)),
  readyForQuery: (status: 'I' | 'T' | 'E' = 'I'): Buffer => backendMessage('Z', Buffer.from(status)),
  rowDescription,
  dataRow,
  commandComplete: (tag: string): Buffer => backendMessage('C', text(tag)),
  emptyQueryResponse: (): Buffer => backendMessage('I'),
  errorResponse: (fields: ReportFields): Buffer => report('E', fields),
  noticeResponse: (fields: ReportFields): Buffer => report('N', fields),
  copyInResponse: (): Buffer => copyResponse('G'),
  copyOutResponse: (): Buffer => copyResponse('H'),
  copyBothResponse: (): Buffer => copyResponse('W'),
  copyData: (content: Buffer): Buffer => backendMessage('d', content),
  copyDone: (): Buffer => backendMessage('c'),
  negotiateProtocolVersion: (minor: number, unknown: readonly string[]): Buffer =>
    backendMessage('v', int32(minor), int32(unknown.length), ...unknown.map(text)),
  /** CopyData with WAL: where it starts, where the server's WAL ends, the server's clock in microseconds since 2000. */
  walData: (start: bigint, end: bigint, data: Buffer, clock = 0n): Buffer =>
    backendMessage('d', Buffer.from('w'), int64(start), int64(end), int64(clock), data),
  /** CopyData with a primary keepalive. */
  keepalive: (end: bigint, replyRequested: boolean, clock = 0n): Buffer =>
    backendMessage('d', Buffer.from('k'), int64(end), int64(clock), Buffer.of(replyRequested ? 1 : 0)),
  /** The rows of one simple query: description, rows, completion, ready. */
  result: (columns: readonly string[], ...rows: readonly (readonly (string | null)[])[]): Buffer =>
    Buffer.concat([
      rowDescription(columns),
      ...rows.map(dataRow),
      backend.commandComplete(`SELECT ${rows.length}`),
      backend.readyForQuery(),
    ]),
  /** What a server says to a client it trusts: ok, parameters, key, ready. */
  welcome: (parameters: Readonly<Record<string, string>> = { server_version: '18.4' }): Buffer =>
    Buffer.concat([
      authentication(0),
      ...Object.entries(parameters).map(([name, value]) => backend.parameterStatus(name, value)),
      backend.backendKeyData(4711, 42),
      backend.readyForQuery(),
    ]),
} as const;
