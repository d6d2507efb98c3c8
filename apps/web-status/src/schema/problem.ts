/** What every route answers instead of a result (RFC 9457), and what the probes answer. */
import { z } from 'zod';

/** `application/problem+json`. */
export const problem = z
  .object({
    /** `about:blank`, or `urn:walvault:error:CODE` for a code that `walvault explain` knows. */
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    code: z.string().optional(),
    hint: z.string().optional(),
    /** What in the request was not right. */
    errors: z.array(z.object({ parameter: z.string(), detail: z.string() })).optional(),
  })
  .meta({ id: 'Problem' });

/** `/healthz`: the process answers. */
export const health = z.object({ status: z.literal('ok') }).meta({ id: 'Health' });

/** `/readyz` and `/readyz/{name}`: 200 when ready, 503 when not. Inactive servers do not count. */
export const readiness = z
  .object({
    ready: z.boolean(),
    servers: z.array(z.object({ name: z.string(), ready: z.boolean(), verdict: z.string(), reason: z.string() })),
  })
  .meta({ id: 'Readiness' });

export type Problem = z.infer<typeof problem>;
export type Readiness = z.infer<typeof readiness>;
