/** Who is at the other end when a command is run over SSH, as Barman's messages have it. */

/** ` (SSH host: ADDRESS)` to put behind a message, or nothing. The SSH server sets the variable: address, port, and those of this side. */
export function sshSuffix(environment: NodeJS.ProcessEnv = process.env): string {
  const host = environment['SSH_CONNECTION']?.split(' ', 1)[0] ?? '';
  return host === '' ? '' : ` (SSH host: ${host})`;
}
