/** The manual of errors, which scripts/docs.mjs makes from the source; loaded only for who asks. */
import { readFileSync } from 'node:fs';
import { nearestName } from '@walvault/core/configuration';

/** What is known of one error. */
export interface ManualEntry {
  /** `ERR_...`, or an SQLSTATE with the name of its condition. */
  readonly title: string;
  readonly means: string;
  readonly why?: string | undefined;
  readonly do: string;
  /** Whether it is worth another try. */
  readonly retry: 'retry' | 'fatal' | 'either';
  /** With `either`: when it is. */
  readonly when?: string | undefined;
}

interface ManualFile {
  readonly codes: Readonly<Record<string, Omit<ManualEntry, 'title'>>>;
  readonly sqlStates: Readonly<Record<string, Omit<ManualEntry, 'title'> & { readonly condition: string }>>;
}

/** Entries by code, and by SQLSTATE. */
export class ErrorManual {
  readonly #file: ManualFile;

  private constructor(file: ManualFile) {
    this.#file = file;
  }

  static read(): ErrorManual {
    const path = new URL('../manual/errors.json', import.meta.url);
    return new ErrorManual(JSON.parse(readFileSync(path, 'utf8')) as ManualFile);
  }

  get codes(): readonly string[] {
    return Object.keys(this.#file.codes);
  }

  /** The entry for a code in upper or lower case, with or without `ERR_`, or for an SQLSTATE; one that is not there is an error of the server. */
  find(name: string): ManualEntry | undefined {
    const wanted = name.trim().toUpperCase();
    const code = this.#file.codes[wanted] === undefined ? `ERR_${wanted}` : wanted;
    const entry = this.#file.codes[code];
    if (entry !== undefined) return { title: code, ...entry };
    const state = this.#file.sqlStates[wanted];
    if (state !== undefined) return { title: `${wanted} ${state.condition}`, ...state };
    return /^[0-9A-Z]{5}$/.test(wanted) && /\d/.test(wanted) ? this.find('ERR_SERVER') : undefined;
  }

  /** Codes that may have been meant: those that the text is a part of, or the one that it is nearest to. */
  near(name: string): readonly string[] {
    const part = name.trim().toUpperCase().replace(/^ERR_/, '');
    const holding = part.length < 3 ? [] : this.codes.filter((code) => code.includes(part));
    if (holding.length > 0) return holding;
    const nearest = nearestName(`ERR_${part}`, this.codes);
    return nearest === undefined ? [] : [nearest];
  }
}
