import { execFileSync } from 'node:child_process'
import { appendFileSync, chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { findProgram } from '../../../src/runtime/linux/process/run-command.ts'
import { SealedProgram } from '../../../src/runtime/linux/process/sealed-program.ts'

let directory = ''
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'shoal-sealed-'))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

function programOf(name: string): string {
  const path = join(directory, name)
  copyFileSync(findProgram('echo') ?? '', path)
  chmodSync(path, 0o755)
  return path
}

const said = (path: string): string => execFileSync(path, ['said']).toString()

it('runs a copy that cannot be written to, though the file is gone', () => {
  const path = programOf('one')
  using program = new SealedProgram(path)
  const copy = program.path
  expect(copy).not.toBe(path)
  expect(program.path).toBe(copy)
  expect(() => appendFileSync(copy, 'x')).toThrow(/EPERM|ETXTBSY/)
  expect(() => writeFileSync(copy, 'x')).toThrow(/EPERM|ETXTBSY/)
  expect(said(copy)).toBe('said\n')
  rmSync(path)
  expect(said(copy)).toBe('said\n')
})

it('runs another copy once the program is another, and lets the first be run on', () => {
  const path = programOf('two')
  using program = new SealedProgram(path)
  const first = program.path
  rmSync(path)
  writeFileSync(path, '#!/bin/sh\necho script\n', { mode: 0o755 })
  // A script finds out its own name, so it is run as it is.
  expect(program.path).toBe(path)
  expect(said(program.path)).toBe('script\n')
  expect(said(first)).toBe('said\n')
  rmSync(path)
  programOf('two')
  expect(program.path).not.toBe(first)
  expect(said(program.path)).toBe('said\n')
})

it('is the program itself where there is none', () => {
  using program = new SealedProgram(join(directory, 'missing'))
  expect(program.path).toBe(join(directory, 'missing'))
})
