import { afterEach, beforeEach, expect, it } from 'vitest'
import { Bench } from './bench.ts'

let bench: Bench

beforeEach(async () => {
  bench = await Bench.open()
})

afterEach(() => bench.close())

it.each([
  ['another machine', { owner: ['{"machine":"m1"}'] }, /provisioned as machine "m1"/],
  ['another cluster', { owner: ['{"machine":"n1","cluster":"etcd://10.9.9.9:2379"}'] }, /another cluster/],
])('leaves a host alone that belongs to %s', async (_, look, message) => {
  bench.host.looks = [look]
  const result = await bench.clean({ data: true })
  expect(result).toMatchObject({ ok: false, exitCode: 3, changed: [], failed: { error: { code: 'PREFLIGHT' } } })
  expect(result.failed?.error.message).toMatch(message)
  expect(bench.host.ran).toHaveLength(2)
  expect(bench.kept).toEqual([])
})
