/**
 * Which image was made through a manager under a name. Key `builds/<name>`: no registry has it, and a registry's or a node's image of the
 * same name must not be taken for it.
 */
export interface BuiltImageRecord {
  /** As docker shows it, with its tag: `team/app:1`. */
  readonly name: string
  readonly id: string
}
