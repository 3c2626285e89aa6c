import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { composeGroup } from '../../../../src/cli/index.ts'
import { reply, runAgainst } from '../../support/one-engine.ts'

const directory = mkdtempSync(join(tmpdir(), 'shoal-down-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

const CONTAINER = {
  Id: 'c1',
  Names: ['/shop-old-1'],
  Image: 'old:1',
  State: 'running',
  Status: 'Up',
  Labels: {
    'com.docker.compose.project': 'shop',
    'com.docker.compose.service': 'old',
    'com.docker.compose.container-number': '1',
    'com.docker.compose.oneoff': 'False',
  },
}

/** Runs `down` against an engine with one container of the project; gives what was asked to be removed too. */
async function down(file?: string) {
  rmSync(join(directory, 'compose.yaml'), { force: true })
  if (file !== undefined) writeFileSync(join(directory, 'compose.yaml'), file)
  const removed: string[] = []
  const outcome = await runAgainst(
    ['-p', 'shop', 'down'],
    ({ method, url = '' }, response) => {
      const path = url.replace(/\?.*/, '').replace(/^\/v[\d.]+/, '')
      if (method !== 'GET') removed.push(`${method} ${path}`)
      if (path === '/version') return reply(response, 200, { Version: '20.10.24', ApiVersion: '1.41', Components: [] })
      if (path === '/containers/json') return reply(response, 200, [CONTAINER])
      if (path === '/volumes') return reply(response, 200, { Volumes: [], Warnings: [] })
      return method === 'GET' ? reply(response, 200, []) : response.writeHead(204).end()
    },
    { root: composeGroup('9.9.9'), cwd: directory },
  )
  return { ...outcome, removed }
}

it('removes what the labels say where there are no files', async () => {
  expect(await down()).toMatchObject({ code: 0, removed: expect.arrayContaining(['DELETE /containers/c1']) })
})

it('leaves what the files do not name', async () => {
  expect((await down('services: {web: {image: "web:1"}}\n')).removed).toEqual([])
})

it('removes nothing when the files cannot be read: what they would name is not known', async () => {
  const { code, stderr, removed } = await down('services: {web: {imge: "web:1"}}\n')
  expect({ code, removed }).toEqual({ code: 1, removed: [] })
  expect(stderr).toContain('compose.yaml:1:18')
})
