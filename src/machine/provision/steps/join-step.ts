import type { HostFacts } from '../facts/host-facts.ts'
import { ENGINE_SOCKET, MANAGER_SOCKET } from '../host-paths.ts'
import { AWAIT_SOCKETS } from '../scripts/service-scripts.ts'
import { REMOVE_TOKEN } from '../scripts/trust-scripts.ts'
import type { Scene, Step } from '../step.ts'

/** Longer than a manager waits for its own store to start and to answer, a minute each. */
const ANSWER_S_MAX = 180

/** Until the daemons answer: the agent only does once it is a member. */
export const joinStep: Step = {
  name: 'join',
  title: 'membership',
  plan: scene => [
    ...(isThere(scene) ? [] : [scene.wish.cluster === undefined ? 'wait for the engine' : 'join the cluster']),
    ...(hasToken(scene.facts) ? ['remove the join token'] : []),
  ],
  kept: ({ wish }) => (wish.cluster === undefined ? 'engine answers' : `member of ${wish.cluster}`),
  async apply({ facts, wish, shell, signal }) {
    const sockets = wish.services.map(({ name }) => (name === 'agent' ? ENGINE_SOCKET : MANAGER_SOCKET))
    const what = wish.cluster === undefined ? 'see the engine answer' : 'join the cluster'
    const timeoutMs = (ANSWER_S_MAX + 10) * 1_000
    await shell.do(what, AWAIT_SOCKETS, [String(ANSWER_S_MAX), ...sockets], { timeoutMs, signal })
    if (hasToken(facts)) await shell.do('remove the join token', REMOVE_TOKEN, [], { timeoutMs, signal })
  },
}

/** What brings one comes before, so that the facts tell. */
function hasToken({ identities }: HostFacts): boolean {
  return identities.has('token')
}

function isThere({ facts, wish }: Scene): boolean {
  return wish.services.every(({ name }) => (name === 'agent' ? facts.engine : facts.manager) !== undefined)
}
