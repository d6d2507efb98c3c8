/** What may leave the machine in a bug report: no password, and no command with its arguments, which may hold one. */
import { redactPasswords } from '@walvault/config';

const replacement = '*REDACTED*';
/** Options and settings whose value is a command for the shell. */
const commandName = /_(?:script|command|filter)$/;
/** Options that are a secret as a whole, or print one. */
const secretName = /^(?:encryption_passphrase_command|aws_sse_customer_key)$/;

/** A value of an option or setting as a bug report may have it. */
export function withoutSecret<Value>(name: string, value: Value): Value | string {
  if (typeof value !== 'string' || value === '') return value;
  if (secretName.test(name)) return replacement;
  return commandName.test(name) ? withoutArguments(value) : redactPasswords(value);
}

/** Which program it is, and that there is more. What stands before the program in a shell (`PGPASSWORD=...`) is not shown. */
function withoutArguments(command: string): string {
  const [program = '', ...rest] = command.trim().split(/\s+/);
  if (program.includes('=')) return replacement;
  return rest.length === 0 ? program : `${program} ${replacement}`;
}
