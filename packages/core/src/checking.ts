/** @walvault/core/checking: the part of @walvault/core that checks servers, for a command that should start quickly. */
export { checkServer, inspectServer } from './checking/check-server.ts';
export type { CheckOptions, ServerInspection } from './checking/check-server.ts';
export type { CheckFacts, Storage } from './checking/check-facts.ts';
export type { CheckResult } from './checking/check-result.ts';
export { exposureInWords, periodInWords, sizeInWords } from './checking/quantities-in-words.ts';
