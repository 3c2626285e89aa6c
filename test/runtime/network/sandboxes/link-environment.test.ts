import { expect, it } from 'vitest'
import { linkEnvironment } from '../../../../src/runtime/network/sandboxes/link-environment.ts'

const linked = { owner: 'shop', alias: 'my-db.x', address: '172.17.0.3', exposedPorts: [], environment: [] }

it('tells a linked container’s ports and variables as docker does', () => {
  const exposedPorts = ['6379/tcp', '81/udp']
  const environment = ['FOO=bar', 'PATH=/x', 'HOME=/root', 'EMPTY=', 'BARE']
  expect(linkEnvironment({ ...linked, exposedPorts, environment })).toEqual([
    'MY_DB.X_PORT=udp://172.17.0.3:81',
    'MY_DB.X_PORT_81_UDP=udp://172.17.0.3:81',
    'MY_DB.X_PORT_81_UDP_ADDR=172.17.0.3',
    'MY_DB.X_PORT_81_UDP_PORT=81',
    'MY_DB.X_PORT_81_UDP_PROTO=udp',
    'MY_DB.X_PORT_6379_TCP=tcp://172.17.0.3:6379',
    'MY_DB.X_PORT_6379_TCP_ADDR=172.17.0.3',
    'MY_DB.X_PORT_6379_TCP_PORT=6379',
    'MY_DB.X_PORT_6379_TCP_PROTO=tcp',
    'MY_DB.X_NAME=/shop/my-db.x',
    'MY_DB.X_ENV_FOO=bar',
    'MY_DB.X_ENV_EMPTY=',
  ])
})

it('has little to say of a container that exposes nothing', () => {
  expect(linkEnvironment({ ...linked, exposedPorts: ['foo/tcp'] })).toEqual(['MY_DB.X_NAME=/shop/my-db.x'])
})
