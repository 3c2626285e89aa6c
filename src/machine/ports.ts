/** What the store needs of this host besides plain files. main/ gives it. */
export interface StoreFiles {
  /**
   * Replaces a file so that after a crash it holds the old text or the new one. Who is killed at it may leave a draft beside the file,
   * whose name ends with `.tmp`.
   */
  readonly writeDurably: (path: string, text: string | Uint8Array, mode?: number) => Promise<void>
  /** Takes a lock that ends with this process; `holder` is who has it instead. */
  readonly lock: (
    path: string,
  ) => { readonly held: true; readonly release: () => void } | { readonly held: false; readonly holder: string }
}

/** Waiting for others who make the same. */
export interface CacheWait {
  readonly signal: AbortSignal
  readonly onWait: (holder: string) => void
}
