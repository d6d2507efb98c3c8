/** @walvault/config: Barman's configuration file, read strictly, as one frozen value. */
export { ConfigError, formatProblem } from './errors.ts';
export type { ConfigErrorCode, ConfigErrorOptions, ConfigProblem } from './errors.ts';
export { findConfigurationFile } from './find-configuration-file.ts';
export type { FindOptions } from './find-configuration-file.ts';
export type { LogLevel } from './global-options.ts';
export { nearestName } from './nearest-name.ts';
export { loadConfiguration } from './load-configuration.ts';
export type { Configuration, GlobalConfig, LoadOptions } from './load-configuration.ts';
export { formatOptionReference } from './option-reference.ts';
export type { CompressionLevel, RecoveryWindow, RetentionPolicy, WalRetentionPolicy } from './option-types.ts';
export { redactPasswords } from './redact.ts';
export type { Setting, SettingOrigin } from './resolver.ts';
export { shownValue } from './shown-value.ts';
export type { ShownValue } from './shown-value.ts';
export type { ArchiveHooks, ServerConfig, ServerDirectories } from './server-config.ts';
export type { Compression, FlushMode, GapPolicy, SlotPolicy } from './server-options.ts';
