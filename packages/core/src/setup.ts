/** @walvault/core/setup: the part of @walvault/core that prepares a server for its section of the configuration. */
export { applySetup } from './setup/apply-setup.ts';
export type { ApplyOptions, SetupOutcome } from './setup/apply-setup.ts';
export { hbaLines, setupOf, setupScript } from './setup/describe-setup.ts';
export type { ScriptOptions, ServerSetup, SetupConnection } from './setup/describe-setup.ts';
export type { SetupStep } from './setup/setup-step.ts';
