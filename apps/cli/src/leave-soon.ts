/** The end of a command that looks at servers and disks, some of which may not answer. */

/** How long what has been said may take to get out, in milliseconds. */
const graceMs = 200;

/**
 * Ends the process a moment after the command has said what it had to say. A name service or a file server that does not answer is
 * waited for by threads of their own, which cannot be broken off and would hold the process until they give up.
 */
export function leaveSoon(): void {
  setTimeout(() => process.exit(), graceMs).unref();
}
