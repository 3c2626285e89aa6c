import { describe, expect, it } from 'vitest'
import { ManualClock } from '../../../src/core/manual-clock.ts'
import type { ContainerCreateRequest } from '../../../src/docker-api/index.ts'
import { fc } from '../../support/property.ts'
import { Fleet } from './fleet.ts'
import { lab, send, startFront } from './front-lab.ts'

/** What was made on which node. */
let fleet = new Fleet()
const made = () => [...fleet.containers.values()]

async function cluster(): Promise<number> {
  fleet = new Fleet()
  await fleet.add('n1', 'n2')
  lab.clock = new ManualClock()
  return startFront()
}

const create = (port: number, body: unknown, name = '') =>
  send(port, 'POST', `/containers/create?name=${encodeURIComponent(name)}`, body as object)

describe('a container that is asked for', { timeout: 120_000 }, () => {
  it('is placed by what its node will read, whatever the letters', async () => {
    const port = await cluster()
    const body = { image: 'a', env: ['constraint:node==n2', 'A=1'], hostconfig: { portbindings: null } }
    expect((await create(port, body)).status).toBe(201)
    expect(made()).toMatchObject([{ node: 'n2', request: { Image: 'a', Env: ['A=1'] } }])
    const ports = { hostConfig: { portBindings: { '80/tcp': [{ HostPort: '80' }] } } }
    for (const IMAGE of ['a', 'b']) expect((await create(port, { IMAGE, ...ports })).status).toBe(201)
    expect(
      made()
        .slice(1)
        .map(({ node }) => node),
    ).toEqual(['n1', 'n2'])
  })

  it('cannot pass for another one, and names no field twice to its node', async () => {
    const port = await cluster()
    const id = 'com.docker.swarm.id'
    const body = { Image: 'a', Labels: { a: '1' }, labels: { [id]: 'victim' }, LABELS: { [id]: 'victim', b: '2' } }
    expect((await create(port, body)).status).toBe(201)
    const request: ContainerCreateRequest = made()[0]?.request ?? {}
    expect(Object.keys(request).filter(key => key.toLowerCase() === 'labels')).toEqual(['Labels'])
    expect(request.Labels?.[id]).toMatch(/^[0-9a-f]{64}$/)
  })

  it('is refused with a field of another kind, which is named', async () => {
    const port = await cluster()
    const fields: readonly (readonly [field: string, value: unknown, named: string])[] = [
      ['Image', 5, 'Image: expected a string'],
      ['Env', 'A=1', 'Env: expected a list of strings'],
      ['Env', [{}], 'Env: expected a list of strings'],
      ['env', 7, 'Env: expected a list of strings'],
      ['Labels', 'x', 'Labels: expected an object with strings'],
      ['Labels', { a: {} }, 'Labels.a: expected a string'],
      ['ExposedPorts', ['80'], 'ExposedPorts: expected an object'],
      ['HostConfig', [], 'HostConfig: expected an object'],
      ['HostConfig', { Memory: 'much' }, 'HostConfig.Memory: expected a whole number'],
      ['HostConfig', { NanoCpus: 0.5 }, 'HostConfig.NanoCpus: expected a whole number'],
      ['HostConfig', { PortBindings: 'all' }, 'HostConfig.PortBindings: expected an object'],
      ['HostConfig', { PortBindings: { '80/tcp': 'x' } }, 'HostConfig.PortBindings.80/tcp: expected a list'],
      ['HostConfig', { Links: {} }, 'HostConfig.Links: expected a list of strings'],
      ['HostConfig', { NetworkMode: {} }, 'HostConfig.NetworkMode: expected a string'],
      ['HostConfig', { Binds: [[]] }, 'HostConfig.Binds: expected a list of strings'],
      ['NetworkingConfig', 'x', 'NetworkingConfig: expected an object'],
      ['NetworkingConfig', { EndpointsConfig: [] }, 'NetworkingConfig.EndpointsConfig: expected an object'],
      ['Memory', 'much', 'HostConfig.Memory: expected a whole number'],
    ]
    for (const [field, value, named] of fields) {
      expect(await create(port, { Image: 'a', [field]: value })).toEqual({
        status: 400,
        body: { code: 'BAD_FIELD', message: `invalid value for ${named}` },
      })
    }
    for (const body of [null, [], 'text', 7, true]) {
      const { status, body: answer } = await create(port, body)
      expect([status, answer]).toEqual([400, expect.objectContaining({ message: expect.any(String) as string })])
    }
    expect(made()).toEqual([])
  })

  it('is refused with a label that says nothing of where it is to go', async () => {
    const port = await cluster()
    const labels: readonly (readonly [what: string, label: string, text: string, message: RegExp])[] = [
      ['no list', 'constraints', 'disk==ssd', /^Cannot read label com\.docker\.swarm\.constraints: expected/],
      ['an object', 'affinities', '{}', /^Cannot read label com\.docker\.swarm\.affinities: expected/],
      ['no operator', 'constraints', '["disk"]', /One of operator ==, != is expected/],
      ['a key of one letter', 'constraints', '["x==ssd"]', /Key 'x' is invalid/],
      ['a value with more behind it', 'constraints', '["disk==ssd;rm"]', /Value 'ssd;rm' is invalid/],
      ['an open group', 'constraints', '["disk==/(/"]', /\(/],
      [
        'a long pattern',
        'constraints',
        `["disk==/${'(a*)*'.repeat(300)}/"]`,
        /^A pattern has 1024 characters at most$/,
      ],
      ['a deep one', 'affinities', `["disk==/${'('.repeat(501)}a${')'.repeat(501)}/"]`, /500|deep/],
      ['two policies', 'reschedule-policies', '["on-node-failure","off"]', /^too many reschedule policies$/],
      ['no policy', 'reschedule-policies', '["always"]', /^invalid reschedule policy: always$/],
    ]
    for (const [what, label, text, message] of labels) {
      const { status, body } = await create(port, { Image: 'a', Labels: { [`com.docker.swarm.${label}`]: text } })
      const sentence = expect.stringMatching(message) as string
      expect([what, status, body]).toEqual([what, 400, expect.objectContaining({ message: sentence })])
    }
    expect(made()).toEqual([])
  })

  it('is refused with a name that no container has, and has one with a slash in front without it', async () => {
    const port = await cluster()
    for (const name of ['a b', '../x', 'n1/web', '-x', 'xxx\n', 'ü']) {
      expect(await create(port, { Image: 'a' }, name)).toMatchObject({
        status: 400,
        body: { message: expect.stringMatching(/^Invalid container name \(/) as string },
      })
    }
    expect((await create(port, { Image: 'a' }, '/web')).status).toBe(201)
    expect(made()[0]?.name).toBe('web')
    expect((await create(port, { Image: 'a' }, '/web')).status).toBe(409)
  })

  it('may be limited where clients of old write it', async () => {
    const port = await cluster()
    expect((await create(port, { Image: 'a', Memory: 2 ** 20, CpuShares: 1, HostConfig: { Memory: 0 } })).status).toBe(
      201,
    )
    expect(made()[0]?.request).toMatchObject({ HostConfig: { Memory: 2 ** 20, CpuShares: 256 } })
    expect(made()[0]?.request).not.toHaveProperty('Memory')
    const more = { Image: 'a', Memory: 2 ** 20, HostConfig: { Memory: 2 ** 21 } }
    expect((await create(port, more)).status).toBe(201)
    expect(made()[1]?.request.HostConfig?.Memory).toBe(2 ** 21)
  })

  it('is made or refused in a sentence, whatever is written', async () => {
    const port = await cluster()
    const name = fc.constantFrom(
      'Image',
      'env',
      'Labels',
      'HostConfig',
      'NetworkingConfig',
      'ExposedPorts',
      'Binds',
      'x',
    )
    const body = fc.oneof(
      fc.jsonValue({ maxDepth: 3 }),
      fc.dictionary(name, fc.jsonValue({ maxDepth: 3 }), { maxKeys: 6 }),
    )
    await fc.assert(
      fc.asyncProperty(body, async value => {
        const { status, body: answer } = await create(port, value)
        expect([201, 400, 404]).toContain(status)
        if (status !== 201) expect(answer).toHaveProperty('message')
      }),
      { numRuns: 60 },
    )
  })
})
