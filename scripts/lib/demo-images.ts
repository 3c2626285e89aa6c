import type { DebianImage } from './debian-images.ts'

const PATH = 'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** The images of the example project. */
export const DEMO_IMAGES: readonly DebianImage[] = [
  {
    name: 'visits-app:1',
    packages: ['python3-minimal', 'libpython3.11-stdlib'],
    files: { 'examples/visits/app': 'app' },
    config: {
      Env: [PATH, 'PYTHONDONTWRITEBYTECODE=1'],
      WorkingDir: '/app',
      ExposedPorts: { '8000/tcp': {} },
      StopSignal: 'SIGKILL',
    },
  },
  {
    name: 'visits-redis:1',
    packages: ['redis-server', 'redis-tools'],
    files: {},
    config: { Env: [PATH], Cmd: ['redis-server'], ExposedPorts: { '6379/tcp': {} } },
  },
]
