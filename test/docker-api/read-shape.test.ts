import { describe, expect, it } from 'vitest'
import { CREATE_SHAPES } from '../../src/docker-api/create-shapes.ts'
import { readFields } from '../../src/docker-api/read-shape.ts'
import { fc } from '../support/property.ts'

const read = (value: object) => readFields(value, CREATE_SHAPES)

describe('the body of a creation', () => {
  it('finds fields in any case and keeps what it does not know', () => {
    expect(read({ image: 'a', HOSTCONFIG: { memory: 5 }, Novel: [1] })).toEqual({
      Image: 'a',
      HostConfig: { Memory: 5 },
      Novel: [1],
    })
  })

  it('takes one word for a list of words, and null for nothing', () => {
    expect(read({ Cmd: 'ls', Entrypoint: null, HostConfig: { CapAdd: 'ALL', Dns: null } })).toEqual({
      Cmd: ['ls'],
      HostConfig: { CapAdd: ['ALL'] },
    })
  })

  it.each<[object, string]>([
    [{ Tty: 'yes' }, 'Tty: expected true or false'],
    [{ Env: { A: '1' } }, 'Env: expected a list of strings'],
    [{ Labels: { a: 1 } }, 'Labels.a: expected a string'],
    [{ StopTimeout: 1.5 }, 'StopTimeout: expected a whole number'],
    [{ HostConfig: [] }, 'HostConfig: expected an object'],
    [{ HostConfig: { Memory: 1e30 } }, 'HostConfig.Memory: expected a whole number'],
    [{ HostConfig: { Ulimits: [{ Name: 'core', Soft: 'x' }] } }, 'HostConfig.Ulimits[0].Soft: expected a whole number'],
    [{ HostConfig: { Mounts: [{ BindOptions: { Propagation: 1 } }] } }, 'Mounts[0].BindOptions.Propagation'],
    [{ HostConfig: { PortBindings: { '80/tcp': {} } } }, 'HostConfig.PortBindings.80/tcp: expected a list'],
    [{ HostConfig: { PortBindings: { '80/tcp': [{ HostPort: 80 }] } } }, 'HostPort: expected a string'],
    [{ NetworkingConfig: { EndpointsConfig: { a: 1 } } }, 'EndpointsConfig.a: expected an object'],
  ])('%j is refused, naming the field', (body, message) => {
    expect(() => read(body)).toThrow(
      expect.objectContaining({ status: 400, message: expect.stringContaining(message) as string }),
    )
  })

  it('either reads or refuses whatever it is given, and pollutes nothing', () => {
    const names = fc.constantFrom('HostConfig', 'Env', 'Labels', '__proto__', 'constructor', 'Mounts', 'Healthcheck')
    fc.assert(
      fc.property(fc.dictionary(names, fc.jsonValue()), body => {
        try {
          read(JSON.parse(JSON.stringify(body)) as object)
        } catch (error) {
          expect(error).toMatchObject({ code: 'BAD_FIELD', status: 400 })
        }
        expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
        expect(Object.keys(Object.prototype)).toEqual([])
      }),
    )
  })
})
