import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { build as SHAPE } from '../../../src/compose/schema/service-parts.ts'
import { composeProject } from '../support/compose-project.ts'

/** What comes of each attribute of `build`: the builder is asked for something else, or it is told or refused by name. */

const { manager, directory, write, compose } = composeProject('')

/** Each with a value of its own kind. */
const VALUES: Readonly<Record<string, unknown>> = {
  additional_contexts: { other: 'docker-image://alpine' },
  args: { A: 'b' },
  cache_from: ['shop/cache'],
  cache_to: ['type=registry,ref=a'],
  context: './other',
  dockerfile: 'Other',
  dockerfile_inline: 'FROM other\nRUN a longer one\n',
  entitlements: ['network.host'],
  extra_hosts: ['a=1.2.3.4'],
  isolation: 'process',
  labels: { a: 'b' },
  network: 'host',
  no_cache: true,
  no_cache_filter: ['a'],
  platforms: ['linux/amd64'],
  privileged: true,
  provenance: true,
  pull: true,
  sbom: true,
  secrets: ['key'],
  shm_size: '64m',
  ssh: ['default'],
  tags: ['other:1'],
  target: 'base',
  ulimits: { nofile: 10 },
}

type Answer = 'sent' | 'told' | 'refused' | 'IGNORED'

const EXPECTED: Readonly<Record<Exclude<Answer, 'IGNORED' | 'sent'>, readonly string[]>> = {
  told: ['cache_to', 'isolation', 'no_cache_filter', 'provenance', 'sbom'],
  refused: ['entitlements', 'privileged', 'ssh'],
}

/** What the builder is asked for, in one text, and what is said. */
async function asked(build: object) {
  manager().builds.length = 0
  await write(JSON.stringify({ name: 'shop', services: { web: { build } }, secrets: { key: { file: './key' } } }))
  const { code, stderr } = await compose('build')
  const [sent] = manager().builds
  const parts = [sent?.query.toString(), sent?.bytes, sent?.secrets]
  return { code, stderr, sent: sent === undefined ? undefined : parts.join(' ') }
}

async function answerOf(key: string): Promise<Answer> {
  const without = await asked({ context: '.' })
  const { code, stderr, sent } = await asked({ context: '.', [key]: VALUES[key] })
  if (code !== 0) return stderr.includes(`build.${key}`) && sent === undefined ? 'refused' : 'IGNORED'
  if (sent !== without.sent) return 'sent'
  return stderr.includes(`build.${key}`) ? 'told' : 'IGNORED'
}

const [, record] = SHAPE.kind === 'either' ? SHAPE.shapes : []
const ATTRIBUTES = record?.kind === 'record' ? Object.keys(record.fields) : []

it.each(ATTRIBUTES)('build.%s', async key => {
  await mkdir(join(directory(), 'other'))
  for (const file of ['key', 'Dockerfile', 'Other', 'other/Dockerfile', 'other/more']) {
    await writeFile(join(directory(), file), file === 'Other' ? 'FROM something-else AS base\n' : 'FROM base\n')
  }
  const answer = EXPECTED.told.includes(key) ? 'told' : EXPECTED.refused.includes(key) ? 'refused' : 'sent'
  expect(await answerOf(key)).toBe(answer)
})

it('knows the attributes of build', () => expect(ATTRIBUTES.length).toBeGreaterThan(20))
