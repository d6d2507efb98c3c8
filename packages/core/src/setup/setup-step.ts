/** One thing that a server needs: asked for and done in SQL, so that a script for psql and `--apply` are two faces of the same. */

/** A step. What it says of the server is true of every major from 10 on; what a version does not have is not needed there. */
export interface SetupStep {
  /** For people: `role streaming_barman`. */
  readonly title: string;
  /** An SQL expression: whether there is something to do. It may rely on the steps before it. */
  readonly isNeeded: string;
  /** An SQL expression that gives the statement, without a semicolon. */
  readonly statement: string;
  /** Where it is done: on the server itself, or, for what standbys have from it, on the primary. */
  readonly place: 'server' | 'primary';
  /** What it takes to count. */
  readonly countsFrom: 'now' | 'reload' | 'restart';
  /** Whether what is in effect is still not enough, where that differs from `isNeeded`: an SQL expression. */
  readonly isLacking?: string | undefined;
}
