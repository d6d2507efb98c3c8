/** Levels of the log; apart from the log itself, which takes a while to load. */
import type { ServerConfig } from '@walvault/core';

/** pino's names of the levels. */
export type PinoLevel = 'debug' | 'info' | 'warn' | 'error' | 'fatal';

/** pino's word for a level as Barman's configuration has it. */
export const pinoLevels: Readonly<Record<ServerConfig['logLevel'], PinoLevel>> = {
  NOTSET: 'debug',
  DEBUG: 'debug',
  INFO: 'info',
  WARNING: 'warn',
  ERROR: 'error',
  CRITICAL: 'fatal',
};
