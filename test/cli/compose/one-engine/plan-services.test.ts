import { describe, expect, it } from 'vitest'
import { type Known, known } from '../../../../src/cli/commands/compose/one-engine/known-containers.ts'
import { planService, planSteps, type Wanted } from '../../../../src/cli/commands/compose/one-engine/plan-services.ts'
import { containerSummary } from '../../support/container-summary.ts'

const WANTED: Wanted = {
  name: 'web',
  replicas: 2,
  hash: 'h1',
  imageId: 'sha256:a',
  containerName: undefined,
  recreate: false,
  keep: false,
}

function replica(
  number: number,
  more: { hash?: string; image?: string; state?: 'running' | 'exited'; name?: string } = {},
): Known {
  const { hash = 'h1', image = 'sha256:a', state = 'running', name = `shop-web-${number}` } = more
  const labels = {
    'com.docker.compose.project': 'shop',
    'com.docker.compose.service': 'web',
    'com.docker.compose.container-number': String(number),
    'com.docker.compose.config-hash': hash,
    'com.docker.compose.oneoff': 'False',
  }
  return known(containerSummary(name, { Labels: labels, ImageID: image, State: state }))
}

const words = (wanted: Partial<Wanted>, containers: readonly Known[]): readonly string[] =>
  planSteps('shop', [planService({ ...WANTED, ...wanted }, containers)]).map(
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
})
