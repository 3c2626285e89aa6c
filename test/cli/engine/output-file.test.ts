import { execFileSync } from 'node:child_process'
import { lstatSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { type Answer, runAgainst } from '../support/one-engine.ts'

let directory = ''
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'shoal-output-'))
})
afterEach(() => rmSync(directory, { recursive: true }))

const tar: Answer = (_request, response) => void response.end('a tar')

// What docker 28 says of these.
it.each([
  ['save', 'fifo', 'failed to save image: cannot write to a named pipe (FIFO)'],
  ['export', 'fifo', 'failed to export container: cannot write to a named pipe (FIFO)'],
  ['save', 'link', 'failed to save image: cannot write to a symbolic link directly'],
  ['save', '.', 'failed to save image: cannot write to a directory'],
])('%s does not replace %s', async (verb, name, message) => {
  execFileSync('sh', ['-c', `mkfifo ${join(directory, 'fifo')}`])
  symlinkSync('/dev/null', join(directory, 'link'))
  const outcome = await runAgainst([verb, '-o', join(directory, name), 'x'], tar)
  expect(outcome).toEqual({ code: 1, stdout: '', stderr: `${message}\n` })
  expect(lstatSync(join(directory, 'fifo')).isFIFO()).toBe(true)
  expect(readdirSync(directory).sort()).toEqual(['fifo', 'link'])
})

it('says that a folder is missing before it asks for anything', async () => {
  let asked = false
  const path = join(directory, 'none', 'x.tar')
  const outcome = await runAgainst(['save', '-o', path, 'x'], (request, response) => {
    asked = true
    tar(request, response)
  })
  const message = `failed to save image: invalid output path: stat ${join(directory, 'none')}: no such file or directory`
  expect([outcome.code, outcome.stderr, asked]).toEqual([1, `${message}\n`, false])
})

it('replaces a file when the new one is whole', async () => {
  const path = join(directory, 'x.tar')
  writeFileSync(path, 'old')
  const cut: Answer = (_request, response) => {
    response.writeHead(200, { 'content-length': 100 }).write('a t')
    setImmediate(() => response.destroy())
  }
  expect((await runAgainst(['export', '-o', path, 'x'], cut)).code).toBe(1)
  expect([readFileSync(path, 'utf8'), readdirSync(directory)]).toEqual(['old', ['x.tar']])
  expect((await runAgainst(['export', '-o', path, 'x'], tar)).code).toBe(0)
  expect(readFileSync(path, 'utf8')).toBe('a tar')
})

it('leaves nothing when it is told to end, and may be done twice at once', async () => {
  const path = join(directory, 'x.tar')
  const controller = new AbortController()
  const endless: Answer = (_request, response) => {
    response.writeHead(200).write('a t')
    setImmediate(() => controller.abort())
  }
  const stopped = await runAgainst(['save', '-o', path, 'x'], endless, { signal: controller.signal })
  expect([stopped.code, stopped.stderr, readdirSync(directory)]).toEqual([130, '', []])
  const both = await Promise.all([1, 2].map(() => runAgainst(['save', '-o', path, 'x'], tar)))
  expect(both.map(({ code }) => code)).toEqual([0, 0])
  expect([readFileSync(path, 'utf8'), readdirSync(directory)]).toEqual(['a tar', ['x.tar']])
})
