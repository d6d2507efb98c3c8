/** Names of replication slots (slot.c, ReplicationSlotValidateName). */
import { InvalidSlotNameError } from './errors.ts';

/**
 * Checks that PostgreSQL would take a name for a replication slot.
 * @throws {InvalidSlotNameError} unless it has 1 to 63 characters out of lower case letters, digits and underscore.
 */
export function validateSlotName(name: string): void {
  const problem = problemOf(name);
  if (problem === undefined) return;
  throw new InvalidSlotNameError(name, `replication slot name "${name}" ${problem}`, {
    hint: 'Replication slot names have 1 to 63 characters out of lower case letters, digits and underscore.',
  });
}

function problemOf(name: string): string | undefined {
  if (name === '') return 'is too short';
  if (!/^[a-z0-9_]*$/.test(name)) return 'contains invalid character';
  return name.length > 63 ? 'is too long' : undefined;
}
