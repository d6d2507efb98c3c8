/** What there is to say about a server: one value, of which `status` and whatever else shows it are views. */
import type { ServerConfig } from '@walvault/config';
import { type FilesObservation, observeFiles } from './observing/observe-files.ts';
import { observePrimary, observeServer } from './observing/observe-server.ts';
import type { ServerObservation } from './observing/server-observation.ts';
import { type Rpo, rpo } from './rpo.ts';
import { reportError } from './state-publisher.ts';

/** The status of a server. A part that could not be found out is the error that stood in the way. */
export interface ServerStatus {
  readonly server: ServerConfig;
  /** The server as it answers right now. */
  readonly observation: ServerObservation;
  /** Its receiver, its archive and its records. */
  readonly files: FilesObservation;
  /** What would be lost if the server were gone now. */
  readonly rpo: Rpo;
}

const patienceMs = 3000;

/** Looks at a server, its receiver and its archive, all at once. A server that does not answer costs at most 3 s. */
export async function serverStatus(server: ServerConfig): Promise<ServerStatus> {
  const [observation, files, primary] = await Promise.all([
    observeServer(server, { patienceMs }),
    observeFiles(server),
    server.primaryConninfo === undefined ? undefined : observePrimary(server, { patienceMs }).catch(reportError),
  ]);
  return { server, observation, files, rpo: await rpo(server, { observation, files, primary }) };
}
