import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { composeProject } from '../support/compose-project.ts'
import { imageId } from '../support/fake-manager.ts'

const { manager, directory, write, compose } = composeProject('')

async function built(build: string, top = ''): ReturnType<typeof compose> {
  await write(`name: shop\nservices: {web: {build: ${build}}}\n${top}\n`)
  await writeFile(join(directory(), 'Dockerfile'), 'FROM base\n')
  return compose('build')
}

it('gives a build the secrets that it names, from files and variables', async () => {
  await writeFile(join(directory(), 'key'), 'of iron\n')
  await write(`name: shop
services: {web: {build: {context: ., secrets: [key, {source: token, target: api}]}}}
secrets: {key: {file: ./key}, token: {environment: TOKEN}}
`)
  await writeFile(join(directory(), 'Dockerfile'), 'FROM base\n')
  expect(await compose('build', { env: { TOKEN: 'hunter2' } })).toMatchObject({ code: 0 })
  expect(JSON.parse(Buffer.from(String(manager().builds[0]?.secrets), 'base64url').toString())).toEqual({
    key: Buffer.from('of iron\n').toString('base64'),
    api: Buffer.from('hunter2').toString('base64'),
  })
  expect(manager().builds[0]?.query.toString()).not.toContain('hunter2')
})

it.each([
  ['{context: ., secrets: [key]}', 'secrets: {key: {file: ./gone}}', 'Cannot give the secret key to the build: ENOENT'],
  [
    '{context: ., secrets: [key]}',
    'secrets: {key: {environment: UNSET}}',
    'Cannot give the secret key to the build: the variable UNSET is not set',
  ],
  ['{context: ., ssh: [default]}', '', 'Cannot build shop-web: build.ssh is not supported: use a secret for the key'],
  ['{context: ., privileged: true}', '', 'build.privileged is not supported'],
  ['{context: ., entitlements: [network.host]}', '', 'build.entitlements is not supported'],
  [
    '{context: ., additional_contexts: {a: "https://example.org/a.git"}}',
    '',
    'build.additional_contexts.a: https://example.org/a.git is not supported: only directories of this machine',
  ],
  ['{context: ., additional_contexts: {more: ./nonesuch}}', '', '/nonesuch does not exist'],
  [
    '{context: ., additional_contexts: {a: ., b: ., c: .}}',
    '',
    'build.additional_contexts: over hosts at most 2 contexts are directories and services',
  ],
  [
    '{context: ., platforms: [linux/amd64, linux/arm64]}',
    '',
    'build.platforms is not supported: an image is built for',
  ],
])('does not build %s %s', async (build, top, why) => {
  const { code, stderr } = await built(build, top)
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringContaining(why) })
  expect(manager().builds).toEqual([])
})

it('makes the images first that an image is made of, and builds it where they are', async () => {
  await write(`name: shop
services:
  web: {build: {context: ., additional_contexts: {files: ., base: "service:base", other: "docker-image://alpine"}}}
  base: {build: .}
`)
  await writeFile(join(directory(), 'Dockerfile'), 'FROM base\n')
  expect(await compose('build web')).toMatchObject({ code: 0 })
  const asked = manager().builds.map(({ query }) => [
    query.getAll('t'),
    JSON.parse(query.get('buildargs') ?? '{}') as Record<string, string>,
  ])
  const [base, files] = asked.map((_, index) => imageId(index + 1))
  expect(asked).toEqual([
    [['shop-base'], {}],
    [[], { 'affinity:image': `=${base}` }],
    [['shop-web'], { 'affinity:image': `=${base}`, 'affinity:image=': files }],
  ])
})

it('does not build images that are made of each other', async () => {
  await write(`name: shop
services:
  a: {build: {context: ., additional_contexts: {b: "service:b"}}}
  b: {build: {context: ., additional_contexts: {a: "service:a"}}}
`)
  const { code, stderr } = await compose('build')
  expect({ code, stderr }).toEqual({ code: 1, stderr: expect.stringMatching(/a -> b -> a/) })
  expect(manager().builds).toEqual([])
})
