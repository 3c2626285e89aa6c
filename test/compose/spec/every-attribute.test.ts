import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { toServiceRequest } from '../../../src/docker-api/index.ts'
import { messageOf } from '../load.ts'
import { convert } from './convert.ts'
import { everySample, SAMPLE_FILES, type Sample } from './samples.ts'

/** Over once the files are loaded, or for who builds, follows and watches: not of what runs. */
const ELSEWHERE =
  /^services\.web\.(?:attach|build|develop|env_file\.0\.required|extends|models|profiles|pull_refresh_after)\b|^(?:include|version|models)\b/
/** By their names only those are looked up that a cluster keeps, and those are refused. */
const UNNAMED = /^(?:configs|secrets)\.own\.name$/

/** What each attribute must come to, in words that the table in `every-attribute.txt` is made of. */
type Answer = 'engine' | 'cluster' | 'refused' | 'told' | 'IGNORED'

function come(yaml: string): { readonly engine: string; readonly cluster: string; readonly warnings: string } {
  const { spec, warnings } = convert(yaml, SAMPLE_FILES, { env: { x: 'value' } })
  const requests = spec.services.map(service => toServiceRequest(service, text => text))
  return { engine: JSON.stringify(requests), cluster: JSON.stringify(spec), warnings: warnings.join('\n') }
}

/** Some part of the attribute's name, from the top: an attribute is refused with the section it belongs to. */
function isNamed(path: string, text: string): boolean {
  const parts = path.split('.')
  return parts.some((_, index) => index > 1 && text.includes(parts.slice(0, index + 1).join('.')))
}

function answerOf({ path, having, lacking }: Sample): Answer {
  let without: ReturnType<typeof come>
  try {
    without = come(lacking)
  } catch {
    // The section is refused as a whole.
    return isNamed(
      path,
      messageOf(() => come(having)),
    )
      ? 'refused'
      : 'IGNORED'
  }
  try {
    const { engine, cluster, warnings } = come(having)
    if (engine !== without.engine) return 'engine'
    if (cluster !== without.cluster) return 'cluster'
    return warnings !== without.warnings && isNamed(path, warnings) ? 'told' : 'IGNORED'
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return isNamed(path, message) && /not supported/.test(message) ? 'refused' : 'IGNORED'
  }
}

const SAMPLES = everySample().filter(({ path }) => !ELSEWHERE.test(path) && !UNNAMED.test(path))
/** Written down for whoever wants to know; a line reads `refused networks.front.driver`. */
const TABLE = readFileSync(join(import.meta.dirname, 'every-attribute.txt'), 'utf8')
  .trimEnd()
  .split('\n')

it('every attribute of a compose file is in the table', () => {
  expect(TABLE.map(line => line.slice(8))).toEqual(SAMPLES.map(({ path }) => path))
  expect(TABLE.filter(line => !/^(?:engine|cluster|refused|told)\b/.test(line))).toEqual([])
})

it.each(SAMPLES.map(sample => [sample.path, sample] as const))('%s', (path, sample) => {
  expect(TABLE).toContain(`${answerOf(sample).padEnd(8)}${path}`)
})
