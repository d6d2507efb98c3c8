/** @walvault/core/checking: the part of @walvault/core that checks servers, for a command that should start quickly. */
export { checkServer } from './checking/check-server.ts';
export type { CheckOptions } from './checking/check-server.ts';
export type { CheckResult } from './checking/check-result.ts';
export { exposureInWords, periodInWords, sizeInWords } from './checking/quantities-in-words.ts';
