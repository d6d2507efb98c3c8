import { testGuide } from './follow-guide.test-support.ts';

/** What is done in a container is done on this machine. */
const docker = `command=$1; shift
while [ "\${1#-}" != "$1" ]; do shift; done
container=$1; shift
case $command in
  restart) exec pg_ctl restart -l logfile >/dev/null ;;
  exec) [ "$container" = pg ] || export PGPASSWORD=sesame; exec "$@" ;;
esac`;

testGuide('docker', {
  hosts: { pg: 'running' },
  isSetUp: false,
  // the line of the image
  hba: ['host all all all scram-sha-256'],
  programs: { docker },
});
