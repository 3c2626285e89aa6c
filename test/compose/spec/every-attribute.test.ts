import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { COMPOSE_SHAPE } from '../../../src/compose/schema/compose-shape.ts'
import type { Shape } from '../../../src/compose/schema/shape.ts'

/** What is over once the files are loaded, or concerns who builds, follows and watches, not what runs. */
const ELSEWHERE = [
  'attach',
  'build',
  'develop',
  'env_file',
  'extends',
  'label_file',
  'profiles',
  // The reference has it in its schema alone.
  'pull_refresh_after',
  'scale',
]

const FOLDER = 'src/compose/spec'
const SOURCE = readdirSync(FOLDER)
  .map(name => readFileSync(join(FOLDER, name), 'utf8'))
  .join('\n')

function fieldsOf(shape: Shape | undefined): readonly string[] {
  switch (shape?.kind) {
    case 'record':
      return Object.keys(shape.fields)
    case 'dictionary':
      return fieldsOf(shape.value)
    case 'either':
      return shape.shapes.flatMap(fieldsOf)
    default:
      return []
  }
}

it.each(fieldsOf(COMPOSE_SHAPE.fields['services']).filter(name => !ELSEWHERE.includes(name)))(
  'services.*.%s becomes something, or is refused or warned of by name',
  name => {
    expect(SOURCE).toMatch(new RegExp(`'${name}'|'services\\.\\*\\.${name}['.]`))
  },
)

it.each(['deploy', 'healthcheck', 'logging'])('so does every part of %s', section => {
  const service = COMPOSE_SHAPE.fields['services']
  const fields = service?.kind === 'dictionary' && service.value.kind === 'record' ? service.value.fields : {}
  const missing = fieldsOf(fields[section]).filter(
    name => !new RegExp(`'${name}'|${section}\\.${name}['.]|\\b${name}:`).test(SOURCE),
  )
  // Replicas and mode are read with the service's number.
  expect(missing.filter(name => name !== 'replicas')).toEqual([])
})
