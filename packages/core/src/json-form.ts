/**
 * The form of what is read from a JSON file: what has to stand under each name. A file that a crash has cut, that a full disk has
 * half written, or that somebody has edited is found out here, and not where one of its members is used.
 */
import { isWalSegmentSize, parseLsn, toTimelineId } from '@walvault/wal';

/** Whether a value is of the form. */
export type Form = (value: unknown) => boolean;

/** A form for every member of T, and for nothing else. Members that T does not know are left as they are. */
export type Forms<T> = { readonly [Name in keyof Required<T>]: Form };

export const text: Form = (value) => typeof value === 'string';

/** A number that does not fit a JSON number, in decimal. */
export const digits: Form = (value) => typeof value === 'string' && /^\d{1,20}$/.test(value);

/** A whole number from 0 on. */
export const count: Form = (value) => Number.isSafeInteger(value) && (value as number) >= 0;

/** Any number from 0 on. */
export const amount: Form = (value) => typeof value === 'number' && value >= 0 && Number.isFinite(value);

/** ISO 8601, UTC. */
export const time: Form = (value) =>
  typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/.test(value) && !Number.isNaN(Date.parse(value));

export const lsn: Form = (value) => typeof value === 'string' && isRead(() => parseLsn(value));

export const timeline: Form = (value) => typeof value === 'number' && isRead(() => toTimelineId(value));

export const segmentSize: Form = (value) => typeof value === 'number' && isWalSegmentSize(value);

/** One of these texts, or the number of a version. */
export function oneOf(...allowed: readonly (string | number)[]): Form {
  return (value) => allowed.some((one) => one === value);
}

/** Also null, and not there at all, as an earlier version may have left it. */
export function orNull(form: Form): Form {
  return (value) => value == null || form(value);
}

export function listOf(form: Form): Form {
  return (value) => Array.isArray(value) && value.every(form);
}

export function object<T extends object>(forms: Forms<T>): Form {
  return (value) => faultOf(value, forms) === undefined;
}

/** What was read, or what is wrong with it, in a few words. */
export type ReadForm<T> = { readonly value: T } | { readonly fault: string };

/**
 * Reads a JSON text.
 * @param needed names of those members that must not be missing; unless given, none must that cannot be null. Null stands for the others.
 */
export function readForm<T extends object>(json: string, forms: Forms<T>, needed?: readonly string[]): ReadForm<T> {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch {
    return { fault: json === '' ? 'it is empty' : 'it is no JSON, or only a part of it' };
  }
  const fault = faultOf(value, forms, needed);
  if (fault !== undefined) return { fault };
  const nulls = Object.entries<Form>(forms).flatMap(([name, form]) => (form(undefined) ? [[name, null]] : []));
  return { value: { ...(Object.fromEntries(nulls) as object), ...(value as T) } };
}

function faultOf<T extends object>(value: unknown, forms: Forms<T>, needed?: readonly string[]): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'it is no object';
  const members = value as Readonly<Record<string, unknown>>;
  for (const [name, form] of Object.entries<Form>(forms)) {
    const isMissing = !Object.hasOwn(members, name);
    if (isMissing && needed?.includes(name) === false) continue;
    if (!form(isMissing ? undefined : members[name]))
      return `its "${name}" is ${isMissing ? 'missing' : 'not what it should be'}`;
  }
  return undefined;
}

function isRead(read: () => unknown): boolean {
  try {
    read();
    return true;
  } catch {
    return false;
  }
}
