import { DOCKER_CONFIG, HOST_PATH } from '../host-paths.ts'
import { EXCLUSIVE } from './exclusive.ts'
import { PUT_VALID_FILES } from './file-scripts.ts'

const TELL_DOCKER = String.raw`
if [ -s /var/run/docker.pid ]; then kill -HUP "$(cat /var/run/docker.pid)"; fi
`

/** Docker takes lists of registries and labels without a restart. */
export const RELOAD_DOCKER = `${EXCLUSIVE}${TELL_DOCKER}`

/** Files and what comes of them in one script, which ends even if whoever started it is killed: later, the files are no change any more. */
export const PUT_DOCKER_CONFIG = `${PUT_VALID_FILES}${TELL_DOCKER}`

/** Takes a configuration of Docker's away that has nothing any more. */
export const REMOVE_DOCKER_CONFIG = String.raw`${EXCLUSIVE}
rm -f ${DOCKER_CONFIG}
${TELL_DOCKER}`

/** Words: the host's init, seconds. Starts Docker now and whenever the host starts, and ends when it answers; else says what it said last. */
export const START_DOCKER = String.raw`
set -u
PATH=${HOST_PATH}
export PATH
case $1 in
  systemd) systemctl enable -q docker && systemctl start docker ;;
  openrc) rc-update -q add docker default && rc-service -q docker start ;;
  *) service docker start > /dev/null ;;
esac || exit 1
if ! command -v docker > /dev/null; then
  echo 'it has no command docker, which is a package of its own here: install it (docker-cli), and run the same again' >&2
  exit 1
fi
end=$(($(date +%s) + $2))
while [ "$(date +%s)" -lt "$end" ]; do
  if timeout 10 docker -H unix:///var/run/docker.sock version > /dev/null 2>&1; then exit 0; fi
  sleep 0.2
done
if [ -d /run/systemd/system ]; then journalctl -q -o cat -n 10 -u docker >&2; fi
exit 1
`
