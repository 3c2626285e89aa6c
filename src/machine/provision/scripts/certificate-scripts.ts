import { PLACES, TLS_DIRECTORY } from '../host-paths.ts'
import { EXCLUSIVE } from './exclusive.ts'
import { KEEP_FOR_UNDO } from './file-scripts.ts'

/** Makes a key and a request for a certificate of it, beside what is in use; prints the request. Word: the name. The key never leaves the host. */
export const REQUEST_CERTIFICATE = String.raw`${EXCLUSIVE}
mkdir -p /etc/shoal
umask 077
mkdir -p ${TLS_DIRECTORY}/next
cd ${TLS_DIRECTORY}/next
openssl ecparam -name prime256v1 -genkey -noout -out key.pem
openssl req -new -key key.pem -subj "/CN=$1"
`

/**
 * Takes a signed certificate into use, and checks before that it is of the key that was made here. stdin: its authority and the
 * certificate, a line of base64 each. Words: the run under which what was there is kept, the host's init, and who is to read it: `agent`, or
 * nobody who runs.
 */
export const INSTALL_CERTIFICATE = String.raw`${EXCLUSIVE}
${KEEP_FOR_UNDO}
keep_only "$1"
cd ${TLS_DIRECTORY}/next
umask 077
read -r data && printf %s "$data" | base64 -d > ca.pem
read -r data && printf %s "$data" | base64 -d > cert.pem
openssl verify -purpose sslserver -CAfile ca.pem cert.pem > /dev/null
if [ "$(openssl x509 -in cert.pem -noout -pubkey)" != "$(openssl pkey -in key.pem -pubout)" ]; then
  echo 'the certificate is not of the key that was made here' >&2
  exit 1
fi
sync
for name in key ca cert; do
  keep_for_undo "$1" "${TLS_DIRECTORY}/$name.pem"
  mv "$name.pem" "${TLS_DIRECTORY}/$name.pem"
done
cd /
rmdir ${TLS_DIRECTORY}/next
case $3 in
  agent)
    if [ "$2" = systemd ]; then systemctl try-restart shoal-agent
    elif [ -x ${PLACES.supervise} ]; then ${PLACES.supervise} stop agent; ${PLACES.supervise} start agent
    fi
    ;;
esac
`
