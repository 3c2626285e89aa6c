import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, it } from 'vitest'
import { runCommand } from '../cli/support/run.ts'

const ROOT = resolve('test/golden/compose')
const CASES = readdirSync(ROOT)

/** How `config` is called in a folder, where that matters: its `run.json`. */
interface Call {
  readonly args?: readonly string[]
  readonly command?: readonly string[]
  /** Below the folder. */
  readonly cwd?: string
  readonly env?: Readonly<Record<string, string>>
  readonly stdin?: string
}

const HOME = { HOME: '/home/me' }

function callOf(directory: string): Call {
  const file = `${directory}/run.json`
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Call) : {}
}

async function config(directory: string): Promise<{ code: number; stdout: string; stderr: string }> {
  const { args = [], command = ['config'], cwd = '', env, stdin: input = '' } = callOf(directory)
  return runCommand([...args, ...command], { cwd: join(directory, cwd), env: { ...HOME, ...env }, input })
}

it.each(CASES)('config of %s', async name => {
  const directory = `${ROOT}/${name}`
  const { code, stdout, stderr } = await config(directory)
  const shown = (code === 0 ? stdout : `exit ${code}\n${stderr}`).replaceAll(directory, '@DIR@')
  await expect(shown).toMatchFileSnapshot(`${directory}/expected.${code === 0 ? 'yaml' : 'txt'}`)
})

const WHOLE = CASES.filter(name => existsSync(`${ROOT}/${name}/expected.yaml`) && name !== 'rule-no-interpolate')

it.each(WHOLE)('what config of %s prints means the same', async name => {
  const first = await config(`${ROOT}/${name}`)
  const args = ['--profile', '*', '--all-resources', '-f', '-', 'config']
  const again = await runCommand(args, { cwd: `${ROOT}/${name}`, env: HOME, input: first.stdout })
  expect(again).toEqual({ ...first, stderr: '' })
})
