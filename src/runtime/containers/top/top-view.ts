export interface TopView {
  readonly Titles: readonly string[]
  readonly Processes: readonly (readonly string[])[]
}
