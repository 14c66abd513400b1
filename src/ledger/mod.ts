export { parseCheckpointNote, signCheckpoint, verifyCheckpoint, type Checkpoint, type TreeHead } from './checkpoint.ts';
export { verifyConsistency } from './consistency.ts';
export { cosign, cosignatureLine, verifyCosignature, verifyCosignatures, type Cosignature } from './cosignature.ts';
export {
  epochKeys,
  epochKeysOf,
  epochOf,
  keptOfBoth,
  keptOfEpoch,
  placeInOrder,
  type EpochBeginning,
} from './epoch.ts';
export { LedgerError, type LedgerErrorCode, type LedgerReason } from './error.ts';
export { EMPTY_ROOT, leafHash } from './hash.ts';
export { newestHead, newestSignedHead, writeHeadFile, type SignedHead } from './head-file.ts';
export { verifyInclusion, type InclusionClaim } from './inclusion.ts';
export { InclusionVerifier } from './inclusion-verifier.ts';
export {
  type AppendReport,
  type LedgerOptions,
  type LedgerSigner,
  type LedgerWrites,
  type Receipted,
} from './ledger-options.ts';
export { Ledger } from './ledger.ts';
export { MerkleTiles } from './merkle-tiles.ts';
export { isSignedBy, parseNote, signNote, type Note, type SignEd25519 } from './note.ts';
export {
  encodeConsistencyProofText,
  encodeInclusionProofText,
  verifyConsistencyProofText,
  verifyInclusionProofText,
  type ProvedInclusion,
} from './proof-text.ts';
export { type LedgerStorage } from './storage.ts';
export { TILE_WIDTH, encodeEntryBundle, parseEntryBundle, tilePath, tilesOfTree, type TileId } from './tile.ts';
export { type CompletedTile, type ReadTile } from './tree-nodes.ts';
export {
  KEY_TYPES,
  encodeVerifierKey,
  keyId,
  parseVerifierKey,
  verifierKey,
  type KeyType,
  type VerifierKey,
} from './verifier-key.ts';
