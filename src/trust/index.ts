export { type Admission, type AskedFor, type Peer, refuseAsker } from './admission.ts'
export {
  authorityDigest,
  type CertificateFacts,
  certifies,
  isIssuedBy,
  isKeyOf,
  readCertificate,
  sha256,
  splitPem,
  verifyCertificate,
} from './certificate.ts'
export { type CertificateMaker, createCertificateMaker, type KeyPair, type RequestFacts } from './certificate-maker.ts'
export { decideIssue, type NameRecord } from './decide-issue.ts'
export { type Credentials, LiveIdentity } from './identity.ts'
export {
  checkCurrent,
  checkToken,
  checkUnused,
  newJoinToken,
  parseJoinToken,
  type TokenRecord,
  tokenId,
} from './join-token.ts'
export { AUTHORITY_LIFE_MS, CERTIFICATE_LIFE_MS, LONE_LIFE_MS, lifeOf, renewAtMs, TOKEN_LIFE_MS } from './lifetimes.ts'
export { complainOfOwner, createPeerReader, type ExpectedOwner, type PeerReader } from './peer.ts'
export { replaceAuthorities } from './replace-authorities.ts'
export { signRevocationList } from './revocation-list.ts'
export { isRole, MANAGER_HOST, ROLES, type Role, type Subject } from './subject.ts'
