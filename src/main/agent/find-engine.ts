import { type Clock, withDeadline } from '../../core/clock.ts'
import { conflict, errorCode, errorMessage, unavailable } from '../../core/errors.ts'
import { type ClientTls, createDockerClient, judgeEngine, type SystemInfo } from '../../docker-api/index.ts'

/** Nobody is there, or somebody who does not answer: then the address is ours to take, or the attempt says that it is not. */
const ANSWER_MS = 2_000

export interface FoundEngine {
  readonly url: string
  readonly info: SystemInfo
}

/**
 * The Docker Engine that answers at an address that a node advertises; undefined if none does. Throws 409 NOT_AN_ENGINE for one
 * that must not be a node: a manager, one that is too old, or something else that speaks HTTP.
 */
export async function findEngine(
  address: string,
  { clock, tls }: { readonly clock: Clock; readonly tls: ClientTls | undefined },
): Promise<FoundEngine | undefined> {
  const url = `tcp://${address}`
  const client = createDockerClient(url, { clock, tls })
  const onTimeout = (): Error => unavailable('ENGINE_UNAVAILABLE', `Nobody answers at ${address}`)
  try {
    const asking = () => Promise.all([client.info(), client.version()])
    const [info, version] = await withDeadline(asking, ANSWER_MS, { clock, onTimeout })
    const judged = judgeEngine(address, { info, version }, { knownId: undefined, tls: tls !== undefined })
    if ('problem' in judged) throw conflict('NOT_AN_ENGINE', `Cannot register ${address}: ${judged.problem}`)
    return { url, info }
  } catch (error) {
    if (errorCode(error) === 'ENGINE_UNAVAILABLE') return undefined
    if (errorCode(error) === 'NOT_AN_ENGINE') throw error
    throw conflict(
      'NOT_AN_ENGINE',
      `Something that is no Docker Engine answers at ${address} (${errorMessage(error)}): stop it, or give another --advertise`,
    )
  } finally {
    client.close()
  }
}
