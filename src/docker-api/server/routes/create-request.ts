import { invalidInput } from '../../../core/errors.ts'
import type { ContainerCreateRequest, ExecCreateRequest } from '../../container-types.ts'
import { CREATE_SHAPES, EXEC_SHAPES } from '../../create-shapes.ts'
import { readFields } from '../../read-shape.ts'

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
