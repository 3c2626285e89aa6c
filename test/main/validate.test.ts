import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { umbrella } from '../../src/main/programs.ts'
import { runCommand } from '../cli/support/run.ts'

let directory: string
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'shoal-validate-'))
})
afterAll(() => rm(directory, { recursive: true, force: true }))

async function validate(text: string, ...flags: readonly string[]) {
  const file = join(directory, 'daemon.json')
  await writeFile(file, text)
  return runCommand(['engine', '--validate', '--config-file', file, ...flags], { root: umbrella, clock: systemClock })
}

it.each(['', ' \n', '{}', '{"debug":true,"labels":["a=b"]}'])('engine --validate takes a file with %j', async text => {
  expect(await validate(text)).toMatchObject({ code: 0, stdout: 'configuration OK\n', stderr: '' })
})

it.each([
  ['{', 'it is no JSON'],
  ['{"nosuch":1}', "the following directives don't match any configuration option: nosuch"],
  ['{"debug":true}', 'specified both as a flag and in the configuration file: debug', '--debug'],
  ['{}', 'bip', '--bip', 'nonsense'],
])('engine --validate says what is wrong with %j', async (text, why, ...flags) => {
  const { code, stdout, stderr } = await validate(text, ...flags)
  expect([code, stdout]).toEqual([2, ''])
  expect(stderr).toContain(why)
})
