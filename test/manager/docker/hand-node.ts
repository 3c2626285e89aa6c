import { type ByHand, CHUNKED, jsonAnswer, serveByHand } from '../../support/hand-server.ts'
import { memberRecord } from '../support.ts'
import { lab } from './front-lab.ts'

const IMAGE = { Id: 'sha256:1', RepoTags: ['app:1'] }

/** Adds a node that has an image and no container, and whose other answers a test gives byte by byte. */
export async function addHandNode(name: string, answer: ByHand): Promise<void> {
  const { address } = await serveByHand(lab.scope, (socket, path) => {
    const bare = path.replace(/^\/v[\d.]+/, '')
    if (bare === '/events') socket.write(CHUNKED)
    else if (bare === '/containers/json') socket.write(jsonAnswer([]))
    else if (bare === '/images/json') socket.write(jsonAnswer([IMAGE]))
    else if (bare.endsWith('/json') && bare.startsWith('/images/')) socket.write(jsonAnswer(IMAGE))
    else if (/^\/(info|version)$/.test(bare)) socket.write(jsonAnswer({ ApiVersion: '1.41' }))
    else answer(socket, bare)
  })
  lab.members.push(memberRecord(name, { apiAddress: address }))
}
