import { hasOwnTls } from '../daemon-words.ts'
import { TLS_DIRECTORY } from '../host-paths.ts'
import { INSTALL_CERTIFICATE, REQUEST_CERTIFICATE } from '../scripts/certificate-scripts.ts'
import type { Scene, StepWork } from '../step.ts'

const REQUEST_MS_MAX = 60_000
/** Whoever reads it may be restarted. */
const INSTALL_MS_MAX = 180_000

/** What is to be done for the certificate by which an engine of no cluster serves. */
export function certificatePlan(scene: Scene): string[] {
  const { facts, wish } = scene
  if (wish.certifier === undefined || !hasOwnTls(wish.machine)) return []
  if (facts.engineCertificate === undefined) return ['sign a certificate for the engine']
  const why = wish.certifier.whyNot(facts.engineCertificate, hostsOf(scene))
  return why === undefined ? [] : [`sign another certificate for the engine: ${why}`]
}

/** The key is made on the host and stays there; what was signed is only taken into use if it is of that key. */
export async function signCertificate(work: StepWork): Promise<void> {
  const { facts, note, run, shell, signal, wish } = work
  const request = await shell.do('make a key', REQUEST_CERTIFICATE, [wish.machine.name], {
    timeoutMs: REQUEST_MS_MAX,
    signal,
  })
  const signed = await wish.certifier?.sign(request, { name: wish.machine.name, hosts: hostsOf(work) })
  if (signed === undefined) return
  await note({ undo: 'restore-files', paths: ['key', 'ca', 'cert'].map(name => `${TLS_DIRECTORY}/${name}.pem`) })
  const reader = readerOf(work)
  if (reader === 'agent') await note({ undo: 'restart-services', services: ['agent'] })
  const lines = [signed.authorities, signed.certificate].map(text => `${Buffer.from(text).toString('base64')}\n`)
  await shell.do('take the certificate into use', INSTALL_CERTIFICATE, [run, facts.init, reader], {
    stdin: lines.join(''),
    timeoutMs: INSTALL_MS_MAX,
    signal,
  })
}

function hostsOf({ wish: { address, machine } }: Scene): string[] {
  return [...new Set([address, machine.name, 'localhost', '127.0.0.1', ...machine.certificateNames])]
}

/** Who runs with the certificate that is replaced, and would go on with it; a daemon that is restarted anyway is left to that. */
function readerOf({ facts, wish }: Scene): string {
  if (facts.engineCertificate === undefined) return 'nobody'
  const agent = facts.services.get('agent')
  return wish.services.some(({ name, runs }) => name === 'agent' && agent?.active === true && agent.runs === runs)
    ? 'agent'
    : 'nobody'
}
