import { expect, it } from 'vitest'
import { systemRandom } from '../../src/core/random.ts'
import { createCertificateMaker, replaceAuthorities } from '../../src/trust/index.ts'

const maker = createCertificateMaker(systemRandom)
const make = async (clusterId: string) =>
  (await maker.authority(clusterId, { fromMs: 0, untilMs: 4_000_000_000_000 })).certificate
const [old, next, other] = await Promise.all([make('c1'), make('c1'), make('c2')])
const DAMAGED = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n'

it.each([
  ['the only ones', old, next],
  ['two of a change', `${old}${next}`, next],
  ['one more of a change', old, `${old}${next}`],
])('replaces %s of a cluster', (_what, before, after) =>
  expect(replaceAuthorities(before, { clusterId: 'c1', authorities: after })).toBe(after),
)

it('keeps whatever else stands there, in its place', () => {
  const before = `# ours\n${other}${old}# of the company\n${DAMAGED}${old}the end`
  const wanted = `# ours\n${other}${next}# of the company\n${DAMAGED}the end`
  expect(replaceAuthorities(before, { clusterId: 'c1', authorities: next })).toBe(wanted)
})

it.each([
  ['', next],
  [other, `${other}${next}`],
  [other.trimEnd(), `${other}${next}`],
])('adds those of a cluster that was not there (%#)', (before, wanted) =>
  expect(replaceAuthorities(before, { clusterId: 'c1', authorities: next })).toBe(wanted),
)

it('takes no certificate that signs nothing for an authority', async () => {
  const life = { fromMs: 0, untilMs: 4_000_000_000_000 }
  const authority = await maker.authority('c1', life)
  const { csr } = await maker.request({ name: 'n1', role: 'node', hosts: [] })
  const leaf = await maker.sign({
    csr,
    authority,
    subject: { name: 'n1', role: 'node', clusterId: 'c1' },
    hosts: [],
    life,
  })
  expect(replaceAuthorities(leaf, { clusterId: 'c1', authorities: next })).toBe(`${leaf}${next}`)
})
