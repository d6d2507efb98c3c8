/** Who streams from the server. */
import type { JSX } from 'preact';
import type { ClientList, ReplicationClient } from '../../src/schema/clients.ts';
import type { ServerSummary } from '../../src/schema/server-summary.ts';
import { serverRoute } from '../api/ask.ts';
import { useResource } from '../api/use-resource.ts';
import { formatBytes } from '../format/bytes.ts';
import { formatMilliseconds } from '../format/duration.ts';
import { Figure, LsnText } from '../parts/figure.tsx';
import { Ago } from '../parts/moment.tsx';
import { Refused } from '../parts/refused.tsx';

/** The card. */
export function ClientTable({ server }: { readonly server: ServerSummary }): JSX.Element {
  const list = useResource<ClientList>(serverRoute(server.name, '/clients'), 5000, server.phase);
  const clients = list.value?.clients;
  return (
    <section class="card" aria-label="Replication clients">
      <h2>Replication clients</h2>
      <Refused of={list} />
      {list.value === undefined ? null : (
        <p class="second">
          From pg_stat_replication, <Ago time={list.value.sampledAt} never="not yet" />. {list.value.reason}
        </p>
      )}
      {clients === null || clients === undefined ? null : clients.length === 0 ? (
        <p>Nobody streams from this server.</p>
      ) : (
        <Rows clients={clients} />
      )}
    </section>
  );
}

function Rows({ clients }: { readonly clients: readonly ReplicationClient[] }): JSX.Element {
  const heads = ['Client', 'State', 'Sent', 'Written', 'Flushed', 'Behind', 'Flush lag', 'Since'];
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Table of replication clients">
      <table>
        <thead>
          <tr>
            {heads.map((head) => (
              <th key={head} scope="col">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {clients.map((client) => (
            <ClientRow key={client.pid} client={client} />
          ))}
        </tbody>
      </table>
    </div>
  );
}

function ClientRow({ client }: { readonly client: ReplicationClient }): JSX.Element {
  const from = [client.userName, client.clientAddress === null ? 'local socket' : client.clientAddress, `pid ${client.pid}`];
  return (
    <tr>
      <th scope="row">
        {client.applicationName ?? 'unnamed'} {client.isOurs ? <strong>(this archive)</strong> : null}
        <span class="second">{from.filter((part) => part !== null).join(', ')}</span>
      </th>
      <td>
        {client.state ?? 'unknown'}
        <span class="second">
          {client.syncState ?? 'unknown'}
          {client.slotName === null ? ', no slot' : `, slot ${client.slotName}`}
        </span>
      </td>
      <td>
        <LsnText lsn={client.sentLsn} />
      </td>
      <td>
        <LsnText lsn={client.writeLsn} />
      </td>
      <td>
        <LsnText lsn={client.flushLsn} />
      </td>
      <td>
        <Figure value={client.behindBytes} format={formatBytes} />
      </td>
      <td>{client.flushLagMs === null ? <span class="quiet">none measured</span> : formatMilliseconds(client.flushLagMs)}</td>
      <td>
        <Ago time={client.backendStart} never="unknown" />
      </td>
    </tr>
  );
}
