import { PLACES } from '../host-paths.ts'
import { EXCLUSIVE } from './exclusive.ts'
import { PUT_FILES } from './file-scripts.ts'

/** Settings of the kernel are taken at once, each where the host knows it: a container has not all. */
export const PUT_SYSCTL = String.raw`${PUT_FILES}
sysctl -q -e -p ${PLACES.sysctl} || true
for module in overlay vxlan nf_tables; do modprobe -q "$module" 2> /dev/null || true; done
`

/** The zone of firewalld that its own interface is in: ports are opened there. `$1`: the host's address. */
const ZONE = String.raw`
zone_of() {
  device=$(ip -o address show to "$1" 2> /dev/null | awk '{ print $2; exit }')
  # Known by a name, or by an address that somebody else translates.
  [ -n "$device" ] || device=$(ip -o route get 192.0.2.1 2> /dev/null | sed -n 's/.* dev \([^ ]*\) .*/\1/p')
  firewall-cmd "--get-zone-of-interface=$device" 2> /dev/null || firewall-cmd --get-default-zone
}
# Words: add or remove, a zone, port or interface, then which. Now, and whenever it starts.
tell_firewalld() {
  flags=
  for each in $4; do flags="$flags --$1-$3=$each"; done
  [ -n "$flags" ] || return 0
  if firewall-cmd -q --state; then
    firewall-cmd -q --permanent "--zone=$2" $flags
    firewall-cmd -q "--zone=$2" $flags
  else firewall-offline-cmd -q "--zone=$2" $flags
  fi
}
`

/**
 * Words: this run, which packet filter, the host's address, then ports as `2376/tcp` and names of bridges as `shb+`, whose packets may
 * pass through the host: what may come in there the engine's own filter says. What was allowed before is the person's own; of all
 * else a line is kept first, so that whoever closes it knows.
 */
export const OPEN_PORTS = String.raw`${EXCLUSIVE}${ZONE}
run=$1
filter=$2
address=$3
shift 3
mkdir -p /etc/shoal
added() { grep -qs "^$filter $1 " ${PLACES.opened} || echo "$filter $1 $run $zone" >> ${PLACES.opened}; }
zone=
case $filter in
  ufw)
    before=$(ufw show added)
    has() { printf '%s\n' "$before" | grep -q "^ufw $1\( .*\)\{0,1\}$"; }
    for what in "$@"; do
      case $what in
        */*)
          if has "allow $what"; then continue; fi
          added "$what"
          ufw allow "$what" comment shoal > /dev/null
          ;;
        *)
          if has "route allow out on $what"; then continue; fi
          added "$what"
          ufw route allow in on "$what" comment shoal > /dev/null
          ufw route allow out on "$what" comment shoal > /dev/null
          ;;
      esac
    done
    ;;
  firewalld)
    home=$(zone_of "$address")
    before=" $(firewall-cmd --permanent "--zone=$home" --list-ports) $(firewall-cmd --permanent --zone=trusted --list-interfaces) "
    ports=
    bridges=
    for what in "$@"; do
      zone=$home
      case $what in
        */*) ports="$ports $what" ;;
        *) bridges="$bridges $what"; zone=trusted ;;
      esac
      case $before in *" $what "*) ;; *) added "$what" ;; esac
    done
    tell_firewalld add "$home" port "$ports"
    tell_firewalld add trusted interface "$bridges"
    ;;
esac
`

/** Closes what was opened. Word: the run that opened it; none: every run. */
export const CLOSE_PORTS = String.raw`${EXCLUSIVE}${ZONE}
[ -e ${PLACES.opened} ] || exit 0
wanted=$1
: > ${PLACES.opened}.new
while read -r filter what run zone; do
  if [ -n "$wanted" ] && [ "$run" != "$wanted" ]; then
    echo "$filter $what $run $zone" >> ${PLACES.opened}.new
    continue
  fi
  case "$filter $what" in
    ufw\ */*) ufw delete allow "$what" > /dev/null < /dev/null || true ;;
    ufw*)
      for way in in out; do ufw route delete allow "$way" on "$what" > /dev/null < /dev/null || true; done
      ;;
  esac
done < ${PLACES.opened}
# All of a zone at once: each call takes a second.
awk -v wanted="$wanted" '
  $1 == "firewalld" && (wanted == "" || $3 == wanted) {
    kind = $4 (index($2, "/") ? " port" : " interface")
    all[kind] = all[kind] " " $2
  }
  END { for (kind in all) print kind all[kind] }' ${PLACES.opened} | while read -r zone kind what; do
  tell_firewalld remove "$zone" "$kind" "$what" < /dev/null || true
done
if [ -s ${PLACES.opened}.new ]; then mv ${PLACES.opened}.new ${PLACES.opened}; else rm -f ${PLACES.opened} ${PLACES.opened}.new; fi
`
