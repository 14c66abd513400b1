import { RogatoryError } from '../base/mod.ts';

/** What can go wrong with evidence at this node. */
export type EvidenceErrorCode =
  /** No file with this id at this node, or its content is not here. */
  | 'EVIDENCE_UNKNOWN'
  /** The file's size, chunks or root contradict each other. */
  | 'EVIDENCE_MALFORMED'
  /** What is stored is not what the file's record says: changed on disk, or never what was announced. */
  | 'EVIDENCE_CORRUPT'
  /** Nothing can be read from the source, or it is empty. */
  | 'EVIDENCE_EMPTY'
  /** The disk has not enough room for the file. */
  | 'EVIDENCE_NO_SPACE'
  /** The content has not arrived whole yet. */
  | 'EVIDENCE_INCOMPLETE'
  /** The node is stopping. */
  | 'EVIDENCE_STOPPED'
  /** A list of digests is in none of the forms that are read. */
  | 'EVIDENCE_LIST_MALFORMED'
  /** A CASE graph cannot be read, or breaks the shapes of its ontologies. */
  | 'EVIDENCE_CASE_MALFORMED'
  /** The store of objects cannot be reached or refused, or a file in it cannot be read just now. */
  | 'EVIDENCE_STORE_FAILED';

/** Evidence that cannot be stored, read or believed. */
export class EvidenceError extends RogatoryError<EvidenceErrorCode> {}
