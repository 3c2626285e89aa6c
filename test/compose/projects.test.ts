import { readdirSync } from 'node:fs'
import { resolve } from 'node:path'
import { expect, it } from 'vitest'
import { loadProject, nodeFileReader, nodeTreeReader, toProjectSpec } from '../../src/compose/index.ts'
import { planText } from './spec/plan-text.ts'

/** Kinds of projects that people run, each as one would write it: all of them load, and become something a cluster can run. */

const ROOT = resolve('test/projects')
const ENV = { ADMIN_PASSWORD: 'admin', API_TOKEN: 'token' }
/** What is passed over in them, told. */
const WARNED: Readonly<Record<string, readonly string[]>> = {
  tracing: [
    'services.collector.ports.0.app_protocol has no effect: it tells people and other tools what the port is for',
  ],
}

it.each(readdirSync(ROOT))('%s', async name => {
  const load = { cwd: `${ROOT}/${name}`, env: ENV, profiles: ['*'] }
  const { spec, warnings } = toProjectSpec(loadProject(load, nodeFileReader), nodeTreeReader)
  expect(warnings).toEqual(WARNED[name] ?? [])
  await expect(planText(spec)).toMatchFileSnapshot(`${ROOT}/${name}/plan.txt`)
})
