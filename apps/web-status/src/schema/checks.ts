/** `GET /api/v1/servers/{name}/checks`: what `walvault check` says. */
import { z } from 'zod';
import { sampled } from './scalars.ts';

const checkResult = z
  .object({
    name: z.string(),
    status: z.enum(['ok', 'warning', 'failed']),
    hint: z.string(),
    /** What was measured, by names that end in their unit. */
    numbers: z.record(z.string(), z.number()),
    /** Barman does not have it. */
    isOurs: z.boolean(),
  })
  .meta({ id: 'CheckResult' });

/** See the members. */
export const checkList = sampled
  .extend({ /** Null before the first look. */ results: z.array(checkResult).nullable() })
  .meta({ id: 'CheckList' });

export type CheckList = z.infer<typeof checkList>;
