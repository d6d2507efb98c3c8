/** Asks the API. All addresses are relative to the page, so that it works behind any path. */
import type { Problem } from '../../src/schema/problem.ts';

/** An answer that is none. */
export class Refusal extends Error {
  readonly status: number;
  readonly hint: string | undefined;

  constructor(status: number, detail: string, hint?: string) {
    super(detail);
    this.status = status;
    this.hint = hint;
  }

  static async from(response: Response): Promise<Refusal> {
    const problem = (await response.json().catch(() => ({}))) as Partial<Problem>;
    const detail = problem.errors?.map((error) => error.detail).join('; ') ?? problem.detail;
    return new Refusal(response.status, detail ?? `The server answers ${response.status}.`, problem.hint);
  }
}

/** Where a route is. */
export function apiAddress(route: string): URL {
  return new URL(`api/v1/${route}`, document.baseURI);
}

/** JSON of a route. @throws {Refusal} with what the server says */
export async function ask<T>(route: string, signal: AbortSignal): Promise<T> {
  const response = await fetch(apiAddress(route), { signal, cache: 'no-store' }).catch((error: unknown) => {
    if (signal.aborted) throw error;
    throw new Refusal(0, 'The server cannot be reached.');
  });
  if (!response.ok) throw await Refusal.from(response);
  return (await response.json()) as T;
}

/** A route of a server. */
export function serverRoute(server: string, rest = ''): string {
  return `servers/${encodeURIComponent(server)}${rest}`;
}
