/** What a manager says of the cluster's authorities. */
export interface AuthorityView {
  readonly clusterId: string
  readonly authorities: readonly { readonly digest: string; readonly certificate: string; readonly signs: boolean }[]
  readonly step: 'steady' | 'introducing' | 'renewing'
  readonly waitsFor: readonly string[]
}
