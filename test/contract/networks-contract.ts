import { expect, it } from 'vitest'
import type { Engine, NetworkCreateRequest } from '../../src/docker-api/index.ts'

const SUBNET = '10.231.77.0/24'

/** What every engine does with networks that are options for others. `image` is there. */
export function networksContract(engineOf: () => Engine, image: string): void {
  it('makes networks of the options of another, which nobody joins', async () => {
    const { networks, containers } = engineOf()
    const create = (request: Partial<NetworkCreateRequest>) => networks.create({ Name: 'refused', ...request })
    const IPAM = { Config: [{ Subnet: SUBNET }] }
    const options = { Options: { 'com.docker.network.bridge.enable_icc': 'false' }, Labels: { of: 'config' } }
    await create({ Name: 'config', ConfigOnly: true, IPAM, ...options })
    const config = await networks.inspect('config')
    expect(config).toMatchObject({ Driver: 'null', Scope: 'local', ConfigOnly: true, IPAM, ...options })
    expect(config.EnableIPv6).toBe(false)
    const ConfigFrom = { Network: 'config' }
    await create({ Name: 'made', ConfigFrom })
    const made = await networks.inspect('made')
    expect(made).toMatchObject({ Driver: 'bridge', ConfigFrom, ConfigOnly: false, ...options })
    expect(made.IPAM.Config).toEqual([expect.objectContaining({ Subnet: SUBNET })])

    const operator = 'configuration network can only contain network specific fields.'
    const mixed = 'are not supported if the network depends on a configuration network'
    const refusals: readonly (readonly [() => Promise<unknown>, number, string])[] = [
      [() => networks.remove('config'), 403, 'configuration network "config" is in use'],
      [() => create({ ConfigOnly: true, Internal: true }), 403, operator],
      [() => create({ ConfigOnly: true, Attachable: true }), 403, operator],
      [() => create({ ConfigOnly: true, ConfigFrom }), 403, 'a configuration network cannot depend on another'],
      [() => create({ ConfigFrom: { Network: 'nosuch' } }), 404, 'configuration network "nosuch" does not exist'],
      [() => create({ ConfigFrom: { Network: 'made' } }), 404, 'configuration network "made" does not exist'],
      [() => create({ ConfigFrom, IPAM }), 403, `user specified configurations ${mixed}`],
      [() => create({ ConfigFrom, Labels: { mine: '' } }), 403, `user specified configurations ${mixed}`],
      [() => create({ ConfigFrom, Options: { parent: 'eth0' } }), 403, `network driver options ${mixed}`],
    ]
    for (const [refused, status, message] of refusals) {
      await expect(refused(), message).rejects.toMatchObject({ status, message: expect.stringContaining(message) })
    }
    const { Id } = await containers.create({ Image: image, HostConfig: { NetworkMode: 'config' } }, {})
    await expect(containers.start(Id)).rejects.toMatchObject({
      message: expect.stringContaining('cannot create endpoint on configuration-only network'),
    })
    await containers.remove(Id, { force: true })

    expect(await networks.prune({})).toEqual(['made'])
    await networks.remove('config')
    await expect(networks.inspect('config')).rejects.toMatchObject({ status: 404 })
  })
}
