import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { reply, runAgainst } from '../support/one-engine.ts'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'shoal-cid-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

async function create(path: string, status: number) {
  const asked: (string | undefined)[] = []
  const outcome = await runAgainst(['create', '--cidfile', path, 'app'], (request, response) => {
    asked.push(request.url)
    reply(response, status, status === 201 ? { Id: 'abc', Warnings: null } : { message: 'name is in use' })
  })
  return { ...outcome, asked }
}

it("keeps a new container's id", async () => {
  const path = join(directory, 'id')
  expect(await create(path, 201)).toMatchObject({ code: 0, stdout: 'abc\n' })
  expect(readFileSync(path, 'utf8')).toBe('abc')
})

it("makes no container when another one's id is kept there", async () => {
  const path = join(directory, 'id')
  writeFileSync(path, 'other')
  const outcome = await create(path, 201)
  expect(outcome.asked).toEqual([])
  const advice = `make sure the other container isn't running or delete ${path}`
  expect(outcome.stderr).toContain(`container ID file found, ${advice}`)
  expect(outcome.code).not.toBe(0)
  expect(readFileSync(path, 'utf8')).toBe('other')
})

it('makes no container whose id cannot be kept', async () => {
  const path = join(directory, 'none', 'id')
  const outcome = await create(path, 201)
  expect(outcome.asked).toEqual([])
  expect(outcome.stderr).toContain(`failed to create the container ID file: open ${path}: no such file or directory`)
})

it('leaves no file without a container', async () => {
  const path = join(directory, 'id')
  expect((await create(path, 409)).stderr).toContain('name is in use')
  expect(existsSync(path)).toBe(false)
})
