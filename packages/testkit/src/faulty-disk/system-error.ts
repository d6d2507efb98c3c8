/** An error as node:fs/promises throws it. */
export class SystemError extends Error {
  readonly code: string;
  readonly syscall: string;
  readonly path: string;

  constructor(errno: string, syscall: string, path: string) {
    super(`${errno}: ${syscall} '${path}'`);
    this.code = errno;
    this.syscall = syscall;
    this.path = path;
  }
}
