import { ENGINE_SOCKET, MANAGER_SOCKET } from '../host-paths.ts'
import { AWAIT_SOCKETS } from '../scripts/change-scripts.ts'
import type { Scene, Step } from '../step.ts'

const ANSWER_S_MAX = 90

/** Until the daemons answer: the agent only does once it is a member. */
export const joinStep: Step = {
  name: 'join',
  title: 'membership',
  plan: scene =>
    isThere(scene) ? [] : [scene.wish.cluster === undefined ? 'wait for the engine' : 'join the cluster'],
  kept: ({ wish }) => (wish.cluster === undefined ? 'engine answers' : `member of ${wish.cluster}`),
  async apply({ wish, shell, signal }) {
    const sockets = wish.services.map(({ name }) => (name === 'agent' ? ENGINE_SOCKET : MANAGER_SOCKET))
    const what = wish.cluster === undefined ? 'see the engine answer' : 'join the cluster'
    const timeoutMs = (ANSWER_S_MAX + 10) * 1_000
    await shell.do(what, AWAIT_SOCKETS, [String(ANSWER_S_MAX), ...sockets], { timeoutMs, signal })
  },
}

function isThere({ facts, wish }: Scene): boolean {
  return wish.services.every(({ name }) => (name === 'agent' ? facts.engine : facts.manager) !== undefined)
}
