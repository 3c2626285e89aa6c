import { EXCLUSIVE } from './exclusive.ts'

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
