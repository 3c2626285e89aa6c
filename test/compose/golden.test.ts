import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, it } from 'vitest'
import { runCommand } from '../cli/support/run.ts'

const ROOT = resolve('test/golden/compose')
const CASES = readdirSync(ROOT)

function flagsOf(directory: string): string[] {
  const file = `${directory}/args.json`
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as string[]) : []
}

it.each(CASES)('config of %s', async name => {
  const directory = `${ROOT}/${name}`
  const { code, stdout, stderr } = await runCommand([...flagsOf(directory), 'config'], { cwd: directory })
  const shown = (code === 0 ? stdout : `exit ${code}\n${stderr}`).replaceAll(directory, '@DIR@')
  await expect(shown).toMatchFileSnapshot(`${directory}/expected.${code === 0 ? 'yaml' : 'txt'}`)
})

it.each(CASES.filter(name => !name.startsWith('errors-')))('what config of %s prints means the same', async name => {
  const directory = `${ROOT}/${name}`
  const flags = flagsOf(directory)
  const first = await runCommand([...flags, 'config'], { cwd: directory })
  const again = await runCommand([...flags, '-f', '-', 'config'], { cwd: directory, input: first.stdout })
  expect(again).toEqual({ ...first, stderr: '' })
})
