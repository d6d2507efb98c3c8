/**
 * The adapter to pg-protocol, and the only file that imports it: bytes in, typed messages out.
 *
 * frame-guard.ts finds the whole messages and checks their headers; pg-protocol, which is given nothing else and so never
 * keeps or moves a byte, reads the plain ones, and message-bodies.ts those where pg-protocol loses or trusts too much. Nothing
 * of pg-protocol leaves this file: its CopyData becomes a view, its DatabaseError is dropped for the fields that the server sent.
 */
import { Parser } from 'pg-protocol/dist/parser.js';
import type { BackendMessage as ParsedMessage, CommandCompleteMessage, CopyDataMessage } from 'pg-protocol/dist/messages.js';
import type { BackendKeyDataMessage, ParameterStatusMessage, RowDescriptionMessage } from 'pg-protocol/dist/messages.js';
import { ProtocolViolationError } from './errors.ts';
import { inspectFrames } from './frame-guard.ts';
import {
  type AuthenticationRequest,
  decodeAuthenticationRequest,
  decodeDataRow,
  decodeNegotiation,
  decodeServerMessage,
} from './message-bodies.ts';
import type { ServerMessageFields } from './server-error.ts';

/** A message from the server ("Message Formats" in the PostgreSQL manual). */
export type BackendMessage =
  | { readonly kind: 'authentication'; readonly request: AuthenticationRequest }
  | { readonly kind: 'parameterStatus'; readonly name: string; readonly value: string }
  | { readonly kind: 'backendKeyData'; readonly processId: number }
  /** The server speaks an older minor version of the protocol than we asked for, or does not know some of its options. */
  | { readonly kind: 'negotiateProtocolVersion'; readonly minorVersion: number; readonly unknownOptions: readonly string[] }
  | { readonly kind: 'readyForQuery' }
  | { readonly kind: 'rowDescription'; readonly columns: readonly string[] }
  | { readonly kind: 'dataRow'; readonly values: readonly (Buffer | null)[] }
  | { readonly kind: 'commandComplete'; readonly tag: string }
  | { readonly kind: 'copyBothResponse' }
  | { readonly kind: 'copyDone' }
  | { readonly kind: 'error'; readonly fields: ServerMessageFields }
  | { readonly kind: 'notice'; readonly fields: ServerMessageFields }
  /** A step of the extended query protocol that says nothing but "done" (ParseComplete, BindComplete, NoData...). */
  | { readonly kind: 'acknowledgement' }
  /** A message that has its place elsewhere in PostgreSQL but not here: COPY of tables, notifications. */
  | { readonly kind: 'other'; readonly name: string }
  /** The stream cannot be read from here on; always the last one. */
  | { readonly kind: 'unreadable'; readonly error: unknown }
  /** `data` is a view, on the bytes that were parsed. */
  | { readonly kind: 'copyData'; readonly data: Buffer };

/** What {@link BackendMessageParser.parse} found. */
export interface ParsedMessages {
  readonly messages: readonly BackendMessage[];
  /** The bytes at the end that are not a whole message yet: to be parsed again, with more behind them. */
  readonly rest: Buffer;
}

/** Turns bytes into messages. After an unreadable one it must not be used again. */
export class BackendMessageParser {
  readonly #parser = new Parser();

  /**
   * The whole messages in `bytes`, which begin with one, in order. The `data` of copyData and the rest are views on `bytes`;
   * everything else belongs to the caller.
   */
  parse(bytes: Buffer): ParsedMessages {
    const { captured, soundLength, violation } = inspectFrames(bytes, decodeBody);
    const decoded = captured.values();
    const messages: BackendMessage[] = [];
    const rest = bytes.subarray(soundLength);
    try {
      this.#parser.parse(bytes.subarray(0, soundLength), (parsed) => messages.push(translate(parsed, decoded)));
    } catch (cause) {
      const error = new ProtocolViolationError('received a message from the server that cannot be read', { cause });
      return { messages: [...messages, { kind: 'unreadable', error }], rest };
    }
    return { messages: violation === undefined ? messages : [...messages, { kind: 'unreadable', error: violation }], rest };
  }
}

function decodeBody(type: string, body: Buffer): BackendMessage {
  switch (type) {
    case 'R':
      return { kind: 'authentication', request: decodeAuthenticationRequest(body) };
    case 'E':
      return { kind: 'error', fields: decodeServerMessage(body) };
    case 'N':
      return { kind: 'notice', fields: decodeServerMessage(body) };
    case 'v':
      return { kind: 'negotiateProtocolVersion', ...decodeNegotiation(body) };
    default:
      return { kind: 'dataRow', values: decodeDataRow(body) };
  }
}

function translate(parsed: ParsedMessage, decoded: Iterator<BackendMessage, undefined>): BackendMessage {
  switch (parsed.name) {
    case 'copyData':
      return { kind: 'copyData', data: (parsed as CopyDataMessage).chunk };
    case 'parameterStatus': {
      const { parameterName, parameterValue } = parsed as ParameterStatusMessage;
      return { kind: 'parameterStatus', name: parameterName, value: parameterValue };
    }
    case 'backendKeyData':
      return { kind: 'backendKeyData', processId: (parsed as BackendKeyDataMessage).processID };
    case 'rowDescription':
      return { kind: 'rowDescription', columns: (parsed as RowDescriptionMessage).fields.map((field) => field.name) };
    case 'commandComplete':
      return { kind: 'commandComplete', tag: (parsed as CommandCompleteMessage).text };
    case 'readyForQuery':
    case 'copyDone':
      return { kind: parsed.name };
    case 'replicationStart':
      return { kind: 'copyBothResponse' };
    case 'parseComplete':
    case 'bindComplete':
    case 'closeComplete':
    case 'noData':
    case 'emptyQuery':
    case 'portalSuspended':
    case 'parameterDescription':
      return { kind: 'acknowledgement' };
    case 'notification':
    case 'copyInResponse':
    case 'copyOutResponse':
      return { kind: 'other', name: parsed.name };
    case 'authenticationOk':
    case 'authenticationCleartextPassword':
    case 'authenticationMD5Password':
    case 'authenticationSASL':
    case 'authenticationSASLContinue':
    case 'authenticationSASLFinal':
    case 'error':
    case 'notice':
    case 'dataRow':
      break;
  }
  // These were read from the bodies that the guard kept, which are in the same order.
  return decoded.next().value ?? { kind: 'other', name: parsed.name };
}
