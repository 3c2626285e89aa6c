import { conflict, errorCode, failed, invalidInput, notFound, type ShoalError } from '../../core/errors.ts'

/** The refusals of the container room, in docker's words. */

export function noSuchContainer(reference: string): ShoalError {
  return notFound('NO_SUCH_CONTAINER', `No such container: ${reference}`)
}

export function nameTaken(name: string, id: string): ShoalError {
  return conflict(
    'CONTAINER_NAME_TAKEN',
    `Conflict. The container name "/${name}" is already in use by container "${id}". You have to remove (or rename) that container to be able to reuse that name.`,
  )
}

export function ambiguousPrefix(prefix: string): ShoalError {
  return invalidInput('AMBIGUOUS_ID', `Multiple IDs found with provided prefix: ${prefix}`)
}

export function notRunning(reference: string): ShoalError {
  return conflict('CONTAINER_NOT_RUNNING', `Container ${reference} is not running`)
}

export function cannotKill(reference: string, why: string): ShoalError {
  return conflict('CONTAINER_NOT_RUNNING', `Cannot kill container: ${reference}: ${why}`)
}

export function isPaused(id: string): ShoalError {
  return conflict('CONTAINER_PAUSED', `Container ${id} is already paused`)
}

export function isNotPaused(id: string): ShoalError {
  return conflict('CONTAINER_NOT_PAUSED', `Container ${id} is not paused`)
}

export function cannotRemoveRunning(id: string, status: string): ShoalError {
  const remedy =
    status === 'paused'
      ? 'Unpause and then stop the container before attempting removal or force remove'
      : 'Stop the container before attempting removal or force remove'
  return conflict(
    'CONTAINER_RUNNING',
    `You cannot remove a ${status === 'paused' ? 'paused' : 'running'} container ${id}. ${remedy}`,
  )
}

export function isRestarting(id: string): ShoalError {
  return conflict('CONTAINER_RESTARTING', `Container ${id} is restarting, wait until the container is running`)
}

export function beingRemoved(id: string): ShoalError {
  return conflict('CONTAINER_REMOVING', `removal of container ${id} is already in progress`)
}

/** Names a full disk for what it is; passes every other error on. */
export function explainFullDisk(error: unknown, what: string, place: string): unknown {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if (errorCode(cause) === 'ENOSPC' || errorCode(cause) === 'EDQUOT') {
      return failed('DISK_FULL', `Cannot ${what}: no space left on ${place}; free some space and try again`, {
        cause: error,
      })
    }
  }
  return error
}
