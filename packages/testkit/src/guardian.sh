#!/bin/sh
# Outlives the test process that started it, to clean up behind it however it died: standard input is a pipe that only the test
# process holds open, so its end is the end of that process. Then what that process started is stopped and its directory $1 is
# removed: every process that works below the directory, and every one that inherited its name in WALVAULT_TEST_DIRECTORY.
# PostgreSQL takes SIGQUIT as an immediate shutdown, which also gives its shared memory back.
trap '' HUP INT TERM
while read -r _; do :; done

started() {
  for process in /proc/[0-9]*; do
    case $(readlink "$process/cwd" 2>/dev/null) in
      "$1"/*) echo "${process#/proc/}" ;;
    esac
  done
  grep -lzxF "WALVAULT_TEST_DIRECTORY=$1" /proc/[0-9]*/environ 2>/dev/null | cut -d / -f 3
}

[ -d "$1" ] || exit 0
# Ten looks in two seconds, then force: not everybody heeds SIGQUIT.
for signal in QUIT QUIT QUIT QUIT QUIT QUIT QUIT QUIT QUIT QUIT KILL KILL KILL; do
  pids=$(started "$1")
  [ -n "$pids" ] || break
  kill -s "$signal" $pids 2>/dev/null
  sleep 0.2
done
rm -rf "$1"
