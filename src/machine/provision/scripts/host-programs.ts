import { HOST_PATH, PLACES } from '../host-paths.ts'
import type { WishedFile } from '../wish.ts'
import { RUNTIME_OF } from './runtime-scripts.ts'

/** Starts a daemon with what stands in its files, one word a line, and notes what that was. */
const LAUNCH = String.raw`#!/bin/sh
# Starts one of Shoal's daemons: launch agent|manager
set -eu
PATH=${HOST_PATH}
export PATH
name=$1
arguments=/etc/shoal/$name.args
environment=/etc/shoal/$name.env
mkdir -p /run/shoal-machine /run/shoal
{ readlink ${PLACES.current}; cat "$environment" "$arguments"; } | sha256sum | cut -c1-64 > "/run/shoal-machine/$name.runs"
while IFS= read -r line; do export "$line"; done < "$environment"
set --
while IFS= read -r line; do set -- "$@" "$line"; done < "$arguments"
exec ${PLACES.current}/bin/shoal "$@"
`

/**
 * Containers outlive their engine. When the host goes down they are asked to end while its network is there, and are ended after as long as
 * `docker stop` waits: systemd would wait a minute and a half for each that does not heed its signal.
 */
const END_CONTAINERS = String.raw`#!/bin/sh
# Ends all containers once the host goes down, and does nothing else: end-containers
set -u
PATH=${HOST_PATH}
export PATH
[ "$(systemctl is-system-running 2> /dev/null)" = stopping ] || exit 0
${RUNTIME_OF}
root=/run/shoal/runtime
for container in "$root"/*; do
  name=$(basename "$container")
  "$(runtime_of "$container")" --root "$root" kill "$name" TERM 2> /dev/null || continue
  # As runc and as crun write it.
  pid=$(cat "$container/state.json" "$container/status" 2> /dev/null |
    sed -n 's/^.*"init_process_pid":\([0-9]*\).*$/\1/p; s/^.*"pid": *\([0-9]*\).*$/\1/p' | head -n 1)
  echo "$pid $name"
done | {
  asked=$(cat)
  # One patience for all of them.
  left=100
  echo "$asked" | while read -r pid name; do
    [ -n "$name" ] || continue
    while [ -d "/proc/$pid" ] && [ "$left" -gt 0 ]; do sleep 0.1; left=$((left - 1)); done
    if [ -d "/proc/$pid" ]; then "$(runtime_of "$root/$name")" --root "$root" kill "$name" KILL; fi
  done
}
`

/** What systemd does, where there is none. */
const SUPERVISE = String.raw`#!/bin/sh
# Keeps one of Shoal's daemons running: supervise start|stop|status|run agent|manager
set -u
PATH=${HOST_PATH}
export PATH
name=$2
state=/run/shoal-machine
pidfile=$state/$name.pid
mkdir -p "$state"

# A number may have been given to another process: the command line tells.
running() {
  [ -r "$pidfile" ] || return 1
  read -r pid < "$pidfile"
  tr '\0' ' ' < "/proc/$pid/cmdline" 2>/dev/null | grep -q "supervise run $name"
}

case $1 in
  start)
    running && exit 0
    setsid ${PLACES.supervise} run "$name" < /dev/null >> "${PLACES.logs}$name.log" 2>&1 9>&- &
    left=50
    while ! running && [ "$left" -gt 0 ]; do sleep 0.1; left=$((left - 1)); done
    running
    ;;
  stop)
    running || exit 0
    kill -TERM "$pid"
    left=300
    while running && [ "$left" -gt 0 ]; do sleep 0.1; left=$((left - 1)); done
    ! running
    ;;
  status)
    # As init scripts say it.
    if running; then echo "shoal-$name runs"; else echo "shoal-$name does not run"; exit 3; fi
    ;;
  run)
    exec 8> "$state/$name.lock"
    # Whoever was told to stop holds it for a moment longer than it can be seen.
    flock -w 4 8 8>&8 || exit 0
    echo $$ > "$pidfile"
    child=
    stopping=
    trap 'stopping=yes; [ -n "$child" ] && kill -TERM "$child"' TERM INT
    while [ -z "$stopping" ]; do
      ${PLACES.launch} "$name" 8>&- &
      child=$!
      # A signal ends a wait early: the daemon is waited for until it has ended.
      while kill -0 "$child" 2>/dev/null; do wait "$child"; done
      child=
      # Who is told to stop meanwhile does not wait for its end, nor may the next one have to.
      { [ -n "$stopping" ] || sleep 2; } 8>&- &
      wait $!
    done
    rm -f "$pidfile"
    ;;
esac
`

const UNIT = (name: string, does: string): string => `[Unit]
Description=Shoal: ${does}
Wants=network-online.target
After=network-online.target

[Service]
ExecStart=${PLACES.launch} ${name}${name === 'agent' ? `\nExecStopPost=-${PLACES.endContainers}` : ''}
Restart=always
RestartSec=2
# Containers are not its children, and outlive it.
KillMode=process
Delegate=yes
TasksMax=infinity
LimitNOFILE=1048576
OOMScoreAdjust=-500

[Install]
WantedBy=multi-user.target
`

const OPENRC = (name: string): string => `#!/sbin/openrc-run
description="Shoal ${name}"
# Not every host has a service that is called net, and one that needs what there is not is never started.
depend() { use net; after localmount firewall; }
start() { ${PLACES.supervise} start ${name}; }
stop() { ${PLACES.supervise} stop ${name}; }
status() { ${PLACES.supervise} status ${name}; }
`

const SYSV = (name: string): string => `#!/bin/sh
### BEGIN INIT INFO
# Provides:          shoal-${name}
# Required-Start:    $network $local_fs
# Required-Stop:     $network $local_fs
# Default-Start:     2 3 4 5
# Default-Stop:      0 1 6
# Short-Description: Shoal ${name}
### END INIT INFO
case $1 in
  restart | force-reload) ${PLACES.supervise} stop ${name}; exec ${PLACES.supervise} start ${name} ;;
  *) exec ${PLACES.supervise} "$1" ${name} ;;
esac
`

const DOES: Readonly<Record<string, string>> = { agent: 'engine and agent', manager: 'manager of a cluster' }

/** The programs that start daemons, and where the host's init reads of them. */
export function hostPrograms(services: readonly string[], init: 'systemd' | 'openrc' | 'none'): WishedFile[] {
  const programs: WishedFile[] = [
    { path: PLACES.launch, mode: '755', content: LAUNCH },
    { path: PLACES.supervise, mode: '755', content: SUPERVISE },
    ...(init === 'systemd' ? [{ path: PLACES.endContainers, mode: '755', content: END_CONTAINERS } as const] : []),
  ]
  return [...programs, ...services.map(name => initFile(name, init))]
}

function initFile(name: string, init: 'systemd' | 'openrc' | 'none'): WishedFile {
  if (init === 'systemd') {
    return { path: `/etc/systemd/system/shoal-${name}.service`, mode: '644', content: UNIT(name, DOES[name] ?? name) }
  }
  return { path: `/etc/init.d/shoal-${name}`, mode: '755', content: init === 'openrc' ? OPENRC(name) : SYSV(name) }
}
