#!/bin/sh
# Run by the image of PostgreSQL when it makes its cluster: a role for walvault, and its line for streaming.
set -eu
psql -X -v ON_ERROR_STOP=1 -v password="$WALVAULT_PASSWORD" --username "${POSTGRES_USER:-postgres}" --dbname postgres <<'END'
CREATE ROLE walvault LOGIN REPLICATION PASSWORD :'password';
GRANT pg_monitor TO walvault;
GRANT EXECUTE ON FUNCTION pg_switch_wal() TO walvault;
GRANT pg_checkpoint TO walvault;
END
echo 'host replication walvault all scram-sha-256' >>"$PGDATA/pg_hba.conf"
