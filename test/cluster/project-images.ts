import type { DebianImage } from '../../scripts/lib/debian-images.ts'

/** The images that projects of `test/projects` name, made of Debian packages: under the names that stand in their files. */

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const PROGRAM = ['python3', '/shop/shop.py']
const serve = (port: number) => ({ Cmd: ['serve', String(port)] })

/** The shop's own programs: one that serves or works, as its image says. */
const SHOP: DebianImage = {
  name: 'shop/web:1',
  packages: ['python3-minimal', 'libpython3.11-stdlib'],
  files: { 'test/cluster/images/shop': 'shop' },
  directories: { backups: 0 },
  config: {
    Env: [`PATH=${PATH}`, 'PYTHONDONTWRITEBYTECODE=1'],
    Entrypoint: PROGRAM,
    ...serve(80),
    StopSignal: 'SIGKILL',
  },
  variants: {
    'shop/api:1': serve(80),
    'shop/gateway:1': serve(8080),
    'shop/payments:latest': serve(80),
    'shop/mail:7': serve(80),
    'shop/migrate:1': { Cmd: ['reach', 'db:5432'] },
    'shop/warm:1': { Cmd: ['write', '/tmp/warm'] },
    'shop/resize:1': { Cmd: ['write', '/tmp/small'] },
    'shop/backup:latest': { Cmd: ['write', '/backups/last'] },
    'shop/debug:latest': { Cmd: ['idle'] },
    'ci/coordinator:3': serve(8000),
    'ci/runner:3': { Cmd: ['idle'] },
  },
}

const PG_BIN = '/usr/lib/postgresql/15/bin'
const UNUSED_BY_POSTGRES = [
  'usr/lib/x86_64-linux-gnu/libLLVM',
  'usr/lib/x86_64-linux-gnu/libz3',
  'usr/lib/x86_64-linux-gnu/perl',
  'usr/lib/x86_64-linux-gnu/gconv',
  'usr/lib/postgresql/15/lib/bitcode',
  'usr/share/perl',
  'usr/share/i18n',
]

const POSTGRES: DebianImage = {
  name: 'library/postgres:17',
  packages: ['postgresql-15', 'dash'],
  without: UNUSED_BY_POSTGRES,
  files: { 'test/cluster/images/postgres': '' },
  directories: { 'var/lib/postgresql/data': 999 },
  config: {
    Env: [`PATH=${PG_BIN}:${PATH}`, 'PGDATA=/var/lib/postgresql/data', 'PGHOST=/tmp'],
    Cmd: ['start-postgres'],
    User: '999:999',
    ExposedPorts: { '5432/tcp': {} },
    StopSignal: 'SIGINT',
    Volumes: { '/var/lib/postgresql/data': {} },
  },
  variants: { 'library/postgres:15-alpine': {} },
}

const NGINX: DebianImage = {
  name: 'library/nginx:latest',
  packages: ['nginx-light'],
  files: { 'test/cluster/images/nginx': '' },
  config: { Env: [`PATH=${PATH}`], Cmd: ['nginx'], ExposedPorts: { '80/tcp': {} }, StopSignal: 'SIGQUIT' },
}

const REDIS: DebianImage = {
  name: 'library/redis:alpine',
  packages: ['redis-server', 'redis-tools', 'dash'],
  files: {},
  config: {
    Env: [`PATH=${PATH}`],
    Cmd: ['redis-server', '--bind', '0.0.0.0', '--protected-mode', 'no', '--save', ''],
    ExposedPorts: { '6379/tcp': {} },
  },
}

export const PROJECT_IMAGES: readonly DebianImage[] = [SHOP, POSTGRES, NGINX, REDIS]
