#!/bin/sh
# `npm run down`: removes what `npm run up` started.
set -eu
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || { echo "shoal: this needs root, as npm run up did. Run it again with sudo" >&2; exit 1; }
PATH=$PWD/node_modules/.bin:$PATH
[ -x node_modules/.bin/node ] || { echo "shoal: nothing is set up here, so there is nothing to remove" >&2; exit 0; }
exec node scripts/down.ts "$@"
