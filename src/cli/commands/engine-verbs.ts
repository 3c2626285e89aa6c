import type { CommandDefinition } from '../command.ts'
import { containerGroup, containerVerbs } from './container/group.ts'
import { contextGroup } from './context/group.ts'
import { builderGroup, imageGroup, imageVerbs } from './image/group.ts'
import { networkGroup } from './network/group.ts'
import { systemGroup, systemVerbs } from './system/group.ts'
import { volumeGroup } from './volume/group.ts'

/** What `shoal` does with one engine: docker's verbs and groups. */
export function engineVerbs(version: string): readonly CommandDefinition[] {
  return [
    ...containerVerbs,
    ...imageVerbs,
    ...systemVerbs(version),
    containerGroup,
    imageGroup,
    builderGroup,
    networkGroup,
    volumeGroup,
    contextGroup,
    systemGroup(version),
  ]
}
