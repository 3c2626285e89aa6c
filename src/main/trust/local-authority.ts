import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../core/clock.ts'
import { conflict } from '../../core/errors.ts'
import { newHexId, type Random } from '../../core/random.ts'
import { type AuthorityRecord, authorityCodec } from '../../manager/index.ts'
import { writeDurably } from '../../runtime/linux/files/durable-file.ts'
import { readIfThere } from '../../runtime/linux/files/read-if-there.ts'
import { AUTHORITY_LIFE_MS, authorityDigest, CERTIFICATE_LIFE_MS, createCertificateMaker } from '../../trust/index.ts'

/**
 * The authority of a cluster on the disk of the host that keeps its store: made before there is a store, and kept in step with it, so
 * that a manager whose certificate ran out while it was off can still open the store.
 */
function authorityPath(dataRoot: string): string {
  return join(dataRoot, 'trust', 'authority.json')
}

export async function readLocalAuthority(dataRoot: string): Promise<AuthorityRecord | undefined> {
  const text = await readIfThere(authorityPath(dataRoot))
  return text === undefined ? undefined : authorityCodec.decode(text.toString())
}

export async function writeLocalAuthority(dataRoot: string, record: AuthorityRecord): Promise<void> {
  await mkdir(join(dataRoot, 'trust'), { recursive: true, mode: 0o700 })
  await writeDurably(authorityPath(dataRoot), authorityCodec.encode(record))
}

/** Makes a cluster with an authority; returns its id. Throws 409 CLUSTER_EXISTS. */
export async function createLocalAuthority(
  {
    dataRoot,
    certificateLifeMs = CERTIFICATE_LIFE_MS,
  }: { readonly dataRoot: string; readonly certificateLifeMs?: number | undefined },
  { clock, random }: { readonly clock: Clock; readonly random: Random },
): Promise<string> {
  const known = await readLocalAuthority(dataRoot)
  if (known !== undefined) {
    throw conflict(
      'CLUSTER_EXISTS',
      `The cluster ${known.clusterId} was made in ${dataRoot} already: start its manager with swarm manage, or give another --data-root`,
      { details: { refused: true } },
    )
  }
  const clusterId = newHexId(random).slice(0, 32)
  const nowMs = clock.nowMs()
  const life = { fromMs: nowMs, untilMs: nowMs + AUTHORITY_LIFE_MS }
  const authority = await createCertificateMaker(random).authority(clusterId, life)
  const signing = authorityDigest(authority.certificate)
  await writeLocalAuthority(dataRoot, { clusterId, authorities: [authority], signing, certificateLifeMs })
  return clusterId
}
