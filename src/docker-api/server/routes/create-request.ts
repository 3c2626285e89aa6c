import { invalidInput } from '../../../core/errors.ts'
import type { ContainerCreateRequest, ExecCreateRequest } from '../../container-types.ts'
import { CREATE_SHAPES, EXEC_SHAPES } from '../../create-shapes.ts'
import { readFields } from '../../read-shape.ts'

const NAME = /^\/?[a-zA-Z0-9][a-zA-Z0-9_.-]+$/

/** A container's name as clients give it, without a slash in front. Throws 400 for one that no container can have. */
export function readContainerName(text: string): string {
  if (NAME.test(text)) return text.replace(/^\//, '')
  throw invalidInput(
    'BAD_CONTAINER_NAME',
    `Invalid container name (${text}), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed`,
  )
}

/** Reads the body of a creation. Throws 400 naming the field whose value is of the wrong kind. */
export function readCreateRequest(body: object): ContainerCreateRequest {
  return readFields(body, CREATE_SHAPES)
}

export function readExecRequest(body: object): ExecCreateRequest {
  const request = readFields(body, EXEC_SHAPES) as Partial<ExecCreateRequest>
  const { Cmd } = request
  if (Cmd === undefined || Cmd.length === 0) throw invalidInput('NO_COMMAND', 'No exec command specified')
  return { ...request, Cmd }
}
