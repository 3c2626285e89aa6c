/** The one port of the loader: files by absolute path. Synchronous, because a model is a few small files. */
export interface FileReader {
  /** The text; undefined if there is no such file. Throws for a directory, or a file that may not be read. */
  readonly read: (path: string) => string | undefined
  readonly kind: (path: string) => 'file' | 'directory' | undefined
  /** With symbolic links resolved; the path itself if it does not exist. */
  readonly realPath: (path: string) => string
}
