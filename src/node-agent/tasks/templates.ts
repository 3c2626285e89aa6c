import { fillFields } from '../../core/fill-fields.ts'
import { type TaskRecord, taskContainerName } from '../../core/model/task.ts'

/**
 * Fills `{{.Node.Hostname}}`, `{{.Service.Name}}`, `{{.Task.Slot}}` and `{{.Task.Name}}`, as swarm mode does in
 * environment variables, labels and host names. Anything else in braces stays as it was written.
 */
export function fillTemplates(text: string, task: TaskRecord, node: string): string {
  return fillFields(text, {
    '.Node.Hostname': node,
    '.Service.Name': task.service,
    '.Task.Slot': String(task.slot),
    '.Task.Name': taskContainerName(task),
  })
}
