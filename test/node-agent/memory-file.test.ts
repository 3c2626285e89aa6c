import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { agentMemoryFile } from '../../src/node-agent/index.ts'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'shoal-memory-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

const MEMORY = { id: 'a', epoch: 3, fencingToken: 7, revision: 12, clusterId: 'c' }

it('remembers what was written, and leaves no draft behind', async () => {
  const file = agentMemoryFile(join(directory, 'deep', 'agent.json'))
  expect(await file.read()).toBeUndefined()
  await file.write(MEMORY)
  await file.write({ ...MEMORY, epoch: 4 })
  expect(await file.read()).toEqual({ ...MEMORY, epoch: 4 })
  expect(readdirSync(join(directory, 'deep'))).toEqual(['agent.json'])
})

it.each(['', '{', '[]', '{"id":1}', '{"id":"a","epoch":1}'])('says what to do about a broken file: %s', async text => {
  const path = join(directory, 'agent.json')
  writeFileSync(path, text)
  await expect(agentMemoryFile(path).read()).rejects.toMatchObject({
    code: 'AGENT_STATE_UNREADABLE',
    message: expect.stringContaining(path),
  })
})

it('says what to do about a place that cannot be written', async () => {
  writeFileSync(join(directory, 'file'), '')
  await expect(agentMemoryFile(join(directory, 'file', 'agent.json')).write(MEMORY)).rejects.toMatchObject({
    code: 'AGENT_STATE_WRITE',
  })
})
