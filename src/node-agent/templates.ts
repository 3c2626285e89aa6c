import { type TaskRecord, taskContainerName } from '../core/model/task.ts'

/**
 * Fills `{{.Node.Hostname}}`, `{{.Service.Name}}`, `{{.Task.Slot}}` and `{{.Task.Name}}`, as swarm mode does in
 * environment variables, labels and host names. Anything else in braces stays as it was written.
 */
export function fillTemplates(text: string, task: TaskRecord, node: string): string {
  if (!text.includes('{{')) return text
  const values: Readonly<Record<string, string>> = {
    '.Node.Hostname': node,
    '.Service.Name': task.service,
    '.Task.Slot': String(task.slot),
    '.Task.Name': taskContainerName(task),
  }
  return text.replace(/\{\{\s*(\.[A-Za-z.]+)\s*\}\}/g, (whole, name: string) => values[name] ?? whole)
}
