import type { Machine } from '../../model/machine.ts'
import { isOwnStore } from '../daemon-words.ts'
import { DATA_ROOT, PLACES, type ServiceName } from '../host-paths.ts'
import { putFiles } from '../put-files.ts'
import { CREATE_CLUSTER } from '../scripts/trust-scripts.ts'
import type { Scene, Step } from '../step.ts'
import { certificatePlan, signCertificate } from './engine-certificate.ts'

const CERTS_MS_MAX = 60_000

/** What lets daemons prove who they are. Keys are made on the host and never leave it. */
export const certsStep: Step = {
  name: 'certs',
  title: 'certificates',
  plan(scene) {
    return [
      ...(needsCluster(scene) ? ['make the authority of the cluster'] : []),
      ...(needsToken(scene) ? [tokenLine(scene)] : []),
      ...certificatePlan(scene),
    ]
  },
  kept: ({ facts }) =>
    facts.identities.size === 0 && facts.engineCertificate === undefined ? 'none needed' : 'certificates kept',
  async apply(work) {
    const { shell, signal, wish } = work
    if (needsCluster(work)) {
      await shell.do("make the cluster's authority", CREATE_CLUSTER, [DATA_ROOT], { timeoutMs: CERTS_MS_MAX, signal })
    }
    if (needsToken(work)) {
      const token = await wish.trust?.newToken?.(signal)
      await putFiles([{ path: PLACES.token, mode: '600', content: `${token}\n` }], work)
    }
    if (certificatePlan(work).length > 0) await signCertificate(work)
  },
}

/** The first manager of a cluster with certificates makes its authority. */
function needsCluster({ facts, wish: { machine, trust } }: Scene): boolean {
  const isFirst = machine.swarm?.master === true && isOwnStore(machine.swarm.discovery)
  return (
    trust !== undefined &&
    isFirst &&
    !facts.identities.has('authority') &&
    !facts.identities.has('manager') &&
    !facts.expired.has('manager')
  )
}

/**
 * A token is for the first start, and for a certificate that has run out: else the identity speaks for itself. One that is on the host
 * already may be spent or too old, which only a manager knows: it gets another.
 */
function needsToken({ facts, wish: { machine, trust } }: Scene): boolean {
  return trust?.newToken !== undefined && !facts.identities.has(whoJoins(machine))
}

/** Who is given the token that is brought. An agent beside a manager gets its own from that. */
function whoJoins({ swarm }: Machine): ServiceName {
  return swarm?.master === true ? 'manager' : 'agent'
}

function tokenLine({ facts, wish: { machine } }: Scene): string {
  const who = whoJoins(machine)
  return `bring a join token${facts.expired.has(who) ? `, as the certificate of the ${who} has expired` : ''}`
}
