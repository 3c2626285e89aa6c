import { expect, it } from 'vitest'
import { stubEngine } from '../../support/stub-engine.ts'
import { addNode, get, startFront } from './front-lab.ts'

it('containers are listed that were made before or after one, on whatever node', async () => {
  const box = (name: string, Created: number) => ({
    Id: name.repeat(64),
    Names: [`/${name}`],
    Created,
    State: 'running',
  })
  const nodeWith = (...boxes: readonly object[]) => stubEngine({ containers: { list: async () => boxes as never } })
  await addNode('n1', nodeWith(box('a', 1), box('c', 3)))
  await addNode('n2', nodeWith(box('b', 2), box('d', 4)))
  const port = await startFront()
  const names = async (query: string): Promise<string[]> => {
    const { body } = await get(port, `/containers/json?${query}`)
    return (body as readonly { readonly Names: readonly string[] }[]).flatMap(({ Names }) => Names)
  }
  const filters = (given: object): string => `filters=${encodeURIComponent(JSON.stringify(given))}`
  for (const query of ['before=n1/c', 'all=1&before=c', filters({ before: ['c'] })]) {
    expect(await names(query)).toEqual(['/n2/b', '/n1/a'])
  }
  expect(await names(filters({ since: ['b'] }))).toEqual(['/n2/d', '/n1/c'])
  expect(await names(filters({ since: ['a'], before: ['d'] }))).toEqual(['/n1/c', '/n2/b'])
  expect(await get(port, `/containers/json?${filters({ since: ['gone'] })}`)).toMatchObject({
    status: 404,
    body: { message: 'No such container: gone' },
  })
})
