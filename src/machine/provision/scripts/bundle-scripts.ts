import { PLACES } from '../host-paths.ts'
import { EXCLUSIVE } from './exclusive.ts'

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
