import { DOCKER_CONFIG, TLS_DIRECTORY } from '../host-paths.ts'
import { EXCLUSIVE } from './exclusive.ts'

/** Functions of the shell by which what was there before is kept for one run, and what earlier runs kept is dropped. */
export const KEEP_FOR_UNDO = String.raw`
undo=/var/lib/shoal-machine/undo
keep_only() {
  for old in "$undo"/*; do [ "$old" = "$undo/$1" ] || rm -rf "$old"; done
  (umask 077; mkdir -p "$undo/$1")
}
keep_for_undo() {
  kept=$undo/$1/$(printf %s "$2" | tr / %)
  if [ ! -e "$kept" ] && [ ! -e "$kept.none" ]; then
    if [ -e "$2" ]; then cp -p "$2" "$kept.part" && mv "$kept.part" "$kept"; else : > "$kept.none"; fi
  fi
}
`

/**
 * Writes files, once `check`, of the shell, has looked at each: `named` is its path, and `$path.shoal-new` what it is to be. stdin has a line for each, `mode path base64`; with the mode `kept` one that is there keeps its own, and its owner, and
 * a link to it. The first word is under which name what was there before is kept; what earlier runs kept is dropped.
 */
const putFilesOnce = (check: string): string => String.raw`${EXCLUSIVE}
${KEEP_FOR_UNDO}
keep_only "$1"
while read -r mode path data; do
  named=$path
  keep_for_undo "$1" "$path"
  mkdir -p "$(dirname "$path")"
  if [ "$mode" = kept ] && [ -L "$path" ]; then path=$(readlink -f "$path"); fi
  rm -f "$path.shoal-new"
  if [ "$mode" = kept ] && [ -e "$path" ]; then cp -p "$path" "$path.shoal-new"; fi
  (umask 077; printf %s "$data" | base64 -d > "$path.shoal-new")
  if [ "$mode" != kept ]; then chmod "$mode" "$path.shoal-new"
  elif [ ! -e "$path" ]; then chmod 644 "$path.shoal-new"
  fi
${check}  sync "$path.shoal-new" 2> /dev/null || sync
  mv "$path.shoal-new" "$path"
done
`

export const PUT_FILES = putFilesOnce('')

/** The same, and Docker's configuration only if Docker would start with it; of old ones nobody can ask that. */
export const PUT_VALID_FILES = putFilesOnce(String.raw`
  if [ "$named" = ${DOCKER_CONFIG} ] && dockerd --help 2> /dev/null | grep -q -- --validate; then
    if ! dockerd --validate --config-file "$path.shoal-new"; then
      rm -f "$path.shoal-new"
      echo "Docker would not start with what is to be in $named" >&2
      exit 1
    fi
  fi
`)

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
rm -rf ${TLS_DIRECTORY}/next
rmdir ${TLS_DIRECTORY} /etc/shoal 2> /dev/null || true
`
