import { PLACES } from '../host-paths.ts'
import { EXCLUSIVE } from './exclusive.ts'
import { PUT_FILES } from './file-scripts.ts'

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
