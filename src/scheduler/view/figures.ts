/**
 * The numbers of all nodes, one slot a node. Typed arrays, because a placement reads every one of them and the time it
 * takes is the time the memory takes.
 */
export class Figures {
  readonly size: number
  /** Totals include overcommit. */
  readonly totalCpus: Float64Array
  readonly totalMemory: Float64Array
  readonly usedCpus: Float64Array
  readonly usedMemory: Float64Array
  readonly containers: Int32Array
  readonly health: Float64Array
  /** 1 if the node is ready and takes new tasks. */
  readonly open: Uint8Array

  constructor(size: number) {
    this.size = size
    this.totalCpus = new Float64Array(size)
    this.totalMemory = new Float64Array(size)
    this.usedCpus = new Float64Array(size)
    this.usedMemory = new Float64Array(size)
    this.containers = new Int32Array(size)
    this.health = new Float64Array(size)
    this.open = new Uint8Array(size)
  }

  /** The same figures with room for twice as many nodes. */
  grown(): Figures {
    const larger = new Figures(this.size * 2)
    larger.totalCpus.set(this.totalCpus)
    larger.totalMemory.set(this.totalMemory)
    larger.usedCpus.set(this.usedCpus)
    larger.usedMemory.set(this.usedMemory)
    larger.containers.set(this.containers)
    larger.health.set(this.health)
    larger.open.set(this.open)
    return larger
  }
}
