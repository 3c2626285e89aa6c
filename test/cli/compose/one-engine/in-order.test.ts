import { describe, expect, it } from 'vitest'
import { inDependencyOrder, reversed } from '../../../../src/cli/commands/compose/one-engine/in-order.ts'

const NEEDS = new Map([
  ['web', ['db', 'cache']],
  ['db', ['disk']],
  ['cache', []],
  ['disk', []],
])

async function orderOf(needs: ReadonlyMap<string, readonly string[]>): Promise<readonly string[]> {
  const order: string[] = []
  await inDependencyOrder(needs, async service => void order.push(service))
  return order
}

describe('work in the order of dependencies', () => {
  it('is done for what a service needs before it', async () => {
    const order = await orderOf(NEEDS)
    expect(order).toHaveLength(4)
    expect(order.indexOf('disk')).toBeLessThan(order.indexOf('db'))
    expect(order.at(-1)).toBe('web')
  })

  it('is done the other way round', async () => {
    const order = await orderOf(reversed(NEEDS))
    expect(order[0]).toBe('web')
    expect(order.indexOf('db')).toBeLessThan(order.indexOf('disk'))
  })

  it('goes on where a service that is needed is not there, or needs itself', async () => {
    expect(await orderOf(new Map([['web', ['gone']]]))).toEqual(['web'])
    expect(
      [
        ...(await orderOf(
          new Map([
            ['a', ['b']],
            ['b', ['a']],
          ]),
        )),
      ].sort(),
    ).toEqual(['a', 'b'])
  })

  it('begins nothing more once a service has failed, and tells the first failure', async () => {
    const order: string[] = []
    const work = async (service: string): Promise<void> => {
      order.push(service)
      if (service === 'db') throw new Error('no db')
    }
    await expect(inDependencyOrder(NEEDS, work)).rejects.toThrow('no db')
    expect(order.sort()).toEqual(['cache', 'db', 'disk'])
  })

  it('tells those that still wait that another one has failed', async () => {
    const work = (service: string, failed: AbortSignal): Promise<void> =>
      service === 'cache'
        ? Promise.reject(new Error('no cache'))
        : new Promise((_, reject) => failed.addEventListener('abort', () => reject(new Error('given up'))))
    await expect(inDependencyOrder(NEEDS, work)).rejects.toThrow('no cache')
  })
})
