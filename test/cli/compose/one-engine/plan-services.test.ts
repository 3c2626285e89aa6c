import { describe, expect, it } from 'vitest'
import { type Known, known } from '../../../../src/cli/commands/compose/one-engine/known-containers.ts'
import { planServices, planSteps, type Wanted } from '../../../../src/cli/commands/compose/one-engine/plan-services.ts'
import { containerSummary } from '../../support/container-summary.ts'

const WANTED: Wanted = {
  project: 'shop',
  name: 'web',
  replicas: 2,
  hash: 'h1',
  imageId: 'sha256:a',
  containerName: undefined,
  shares: [],
  recreate: false,
  newNetworks: [],
  keep: false,
}

function replica(
  number: number,
  more: {
    hash?: string
    image?: string
    state?: 'running' | 'exited'
    name?: string
    service?: string
    made?: number
  } = {},
): Known {
  const { hash = 'h1', image = 'sha256:a', state = 'running', service = 'web', made = 1_000 } = more
  const { name = `shop-${service}-${number}` } = more
  const labels = {
    'com.docker.compose.project': 'shop',
    'com.docker.compose.service': service,
    'com.docker.compose.container-number': String(number),
    'com.docker.compose.config-hash': hash,
    'com.docker.compose.oneoff': 'False',
  }
  return known(containerSummary(name, { Labels: labels, ImageID: image, State: state, Created: made }))
}

const words = (wanted: Partial<Wanted>, containers: readonly Known[]): readonly string[] =>
  wordsOf([{ ...WANTED, ...wanted }], containers)

const wordsOf = (wishes: readonly Wanted[], containers: readonly Known[]): readonly string[] =>
  planSteps(planServices(wishes, containers)).map(
    ({ action, name, because = [] }) => `${action} ${name}${because.map(reason => ` ${reason}`).join('')}`,
  )

describe('the plan for the containers of a service on one engine', () => {
  it('makes what is not there, under the lowest free numbers', () => {
    expect(words({}, [])).toEqual(['create shop-web-1', 'create shop-web-2'])
    expect(words({}, [replica(2)])).toEqual(['keep shop-web-2', 'create shop-web-1'])
  })

  it('leaves what fits, running or not', () => {
    expect(words({}, [replica(1), replica(2, { state: 'exited' })])).toEqual(['keep shop-web-1', 'keep shop-web-2'])
  })

  it('replaces what was made of other words or of another image, and tells why', () => {
    expect(words({}, [replica(1, { hash: 'h0' }), replica(2, { image: 'sha256:b' })])).toEqual([
      'update shop-web-1 configuration',
      'update shop-web-2 image',
    ])
    expect(words({ recreate: true, replicas: 1 }, [replica(1)])).toEqual(['update shop-web-1 asked for'])
  })

  it('replaces what cannot be on a network that is only made now', () => {
    expect(words({ newNetworks: ['front'], replicas: 1 }, [replica(1)])).toEqual(['update shop-web-1 network front'])
  })

  it('does not replace for an image that is not there, nor where nothing may change', () => {
    expect(words({ imageId: undefined, replicas: 1 }, [replica(1, { image: 'sha256:b' })])).toEqual(['keep shop-web-1'])
    expect(words({ keep: true, replicas: 1 }, [replica(1, { hash: 'h0' })])).toEqual(['keep shop-web-1'])
  })

  it('removes the highest numbers, and the second of a number that an interrupted replacement left', () => {
    expect(words({ replicas: 1 }, [replica(1), replica(3), replica(2)])).toEqual([
      'remove shop-web-2',
      'remove shop-web-3',
      'keep shop-web-1',
    ])
    const late = replica(1, { name: '0123456789ab_shop-web-1', state: 'exited' })
    expect(words({ replicas: 1 }, [late, replica(1)])).toEqual(['remove 0123456789ab_shop-web-1', 'keep shop-web-1'])
  })

  it('takes the name that the file gives', () => {
    expect(words({ replicas: 1, containerName: 'front' }, [])).toEqual(['create front'])
  })

  it('gives the one that an interrupted replacement left its name', () => {
    const left = replica(1, { name: '0123456789ab_shop-web-1' })
    expect(words({ replicas: 1 }, [left])).toEqual(['update 0123456789ab_shop-web-1 name'])
    const [plan] = planServices([{ ...WANTED, replicas: 1 }], [left])
    expect(plan).toMatchObject({ keep: [left], rename: [left], replace: [] })
    const own = { project: '0123456789ab_x', replicas: 1 }
    expect(words(own, [replica(1, { name: '0123456789ab_x-web-1' })])).toEqual(['keep 0123456789ab_x-web-1'])
  })
})

describe('the plan for services that share what is of one container', () => {
  const one = { ...WANTED, replicas: 1 }
  const db: Wanted = { ...one, name: 'db' }
  const web: Wanted = { ...one, shares: ['db'] }
  const log: Wanted = { ...one, name: 'log', shares: ['web'] }
  const there = (more: Parameters<typeof replica>[1] = {}): readonly Known[] => [
    replica(1, { service: 'db', ...more }),
    replica(1),
    replica(1, { service: 'log' }),
  ]

  it('replaces those that share with the one that is replaced or made, whatever their order', () => {
    expect(wordsOf([log, web, db], there({ hash: 'h0' }))).toEqual([
      'update shop-log-1 web is replaced',
      'update shop-web-1 db is replaced',
      'update shop-db-1 configuration',
    ])
    expect(wordsOf([db, web], [replica(1)])).toEqual(['create shop-db-1', 'update shop-web-1 db is replaced'])
  })

  it('leaves them where the one they share with stays, asked about or not', () => {
    const kept = ['keep shop-db-1', 'keep shop-web-1', 'keep shop-log-1']
    expect(wordsOf([db, web, log], there())).toEqual(kept)
    expect(wordsOf([{ ...db, replicas: 2 }, web], there())).toEqual([
      'keep shop-db-1',
      'create shop-db-2',
      'keep shop-web-1',
    ])
    expect(wordsOf([web], there())).toEqual(['keep shop-web-1'])
    expect(wordsOf([web], [replica(1)])).toEqual(['keep shop-web-1'])
  })

  it('goes on where the one they share with was replaced, and they were not', () => {
    expect(wordsOf([db, web], there({ made: 2_000 }))).toEqual(['keep shop-db-1', 'update shop-web-1 db was replaced'])
    expect(wordsOf([web], there({ made: 2_000 }))).toEqual(['update shop-web-1 db was replaced'])
  })

  it('leaves everything where nothing may change', () => {
    expect(wordsOf([{ ...web, keep: true }], there({ made: 2_000 }))).toEqual(['keep shop-web-1'])
  })
})
