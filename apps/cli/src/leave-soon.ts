/** The end of a command that looks at servers and disks, some of which may not answer. */

/** How long what still ends by itself may take, in milliseconds. */
const graceMs = 200;

/**
 * Ends the process a moment after the command has said what it had to say. A name service or a file server that does not answer is
 * waited for by threads of their own, which cannot be broken off; an ordinary exit waits for them, up to half a minute. So where there are
 * some, this process becomes another one, which has none and ends at once with the exit code.
 */
export function leaveSoon(): void {
  setTimeout(() => {
    const code = Number(process.exitCode ?? 0);
    process.execve?.(process.execPath, [process.execPath, '--eval', `process.exit(${code})`], {});
    process.exit(code);
  }, graceMs).unref();
}
