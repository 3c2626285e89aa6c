import type { Engine } from '../engine.ts'

type ImageHolder = Pick<Engine, 'images'>

/** Brings an image, by name or id, from one engine into another without a registry between them. */
export async function copyImage(
  reference: string,
  { source, target }: { readonly source: ImageHolder; readonly target: ImageHolder },
  signal: AbortSignal,
): Promise<void> {
  const archive = await source.images.save([reference])
  try {
    await target.images.load(archive, signal)
  } finally {
    archive.destroy()
  }
}
