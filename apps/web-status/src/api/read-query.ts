/** Reads the query of a request by its schema. */
import type { z } from 'zod';
import { RequestProblem } from './problem-answers.ts';

/** @throws {RequestProblem} 400, with each parameter that is not right, and why */
export function readQuery<Schema extends z.ZodType>(schema: Schema, query: unknown): z.infer<Schema> {
  const read = schema.safeParse(query);
  if (read.success) return read.data;
  const errors = read.error.issues.map((issue) => ({
    parameter: issue.code === 'unrecognized_keys' ? issue.keys.slice(0, 5).join(', ') : String(issue.path[0] ?? ''),
    detail: issue.code === 'unrecognized_keys' ? 'there is no such parameter' : issue.message,
  }));
  throw new RequestProblem(400, 'the query is not right', { errors });
}
