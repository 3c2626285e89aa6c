/** Fills in `{{.Task.Slot}}` and the like, by what is between the braces. What has no value stays as it was written. */
export function fillFields(text: string, values: Readonly<Record<string, string>>): string {
  if (!text.includes('{{')) return text
  return text.replace(/\{\{\s*(\.[A-Za-z.]+)\s*\}\}/g, (whole, name: string) => values[name] ?? whole)
}
