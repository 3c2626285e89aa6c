import { afterEach, expect, it } from 'vitest'
import { keys, makeWorld, type World } from '../support.ts'

let world: World
afterEach(() => world.close())

it('a network that is removed takes addresses with it that nobody else gives back', async () => {
  world = await makeWorld(['n1', 'n2'])
  void world.manager.createNetwork({ name: 'back', internal: false, labels: {} })
  await world.pass(1_000)
  expect(world.manager.snapshot().networks.has('back')).toBe(true)
  const rest = { mac: '', hostAddress: '', kind: 'reserved', names: [], healthy: false }
  const put = async (network: string, ip: string, node: string): Promise<string> => {
    const key = keys.endpoint(network, ip)
    const value = node === '' ? 'nonsense' : JSON.stringify({ ...rest, network, address: ip, node })
    await world.store.txn([], [{ put: key, value }])
    return key
  }
  const ofPresent = await put('back', '10.9.0.2', 'n1')
  const ofOther = await put('backup', '10.8.0.2', 'n9')
  for (let index = 0; index < 250; index++) await put('back', `10.9.1.${index}`, index === 0 ? '' : 'n9')
  await put('back', '10.9.0.3', 'n2')
  await world.agents.get('n2')?.kill()
  await world.pass(10_000)
  void world.manager.removeNetwork('back')
  await world.pass(1_000)
  expect(world.manager.snapshot().networks.has('back')).toBe(false)
  expect((await world.store.list(keys.endpoints)).items.map(({ key }) => key).toSorted()).toEqual(
    [ofPresent, ofOther].toSorted(),
  )
})
