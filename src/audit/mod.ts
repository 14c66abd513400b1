export { Archive } from './archive.ts';
export type { ProvedArrival } from './arrival.ts';
export { ArchiveWriter } from './archive-writer.ts';
export {
  auditBundles,
  type AuditDemands,
  type AuditReport,
  type FoundEntry,
  type LedgerReport,
  type NamedBundle,
} from './audit.ts';
export { exportBundle, type BundleSource, type ExportOptions, type WantedPart } from './bundle.ts';
export type { DirectionReport } from './cross-audit.ts';
export { reportPage, reportSections } from './report-html.ts';
export { REPORT_STYLE } from './report-style.ts';
export { escapeHtml } from './report-text.ts';
export { parsePolicy, type WitnessPolicy } from './policy.ts';
export type { AuditErrorCode, Finding, FindingCode } from './error.ts';
export { bytesAccess, type RandomAccess } from './random-access.ts';
export { admits, type Selection } from './selection.ts';
