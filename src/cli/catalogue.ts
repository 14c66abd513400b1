/** Every command by its name. A command is loaded when it is run: most need little, and the whole node takes longer to load than they to run. */
import type { Command } from './command.ts';

/** One command that is not loaded yet. */
export interface CommandEntry {
  /** As typed: `message send`. */
  readonly name: string;
  readonly load: () => Promise<Command>;
}

/** In the order of the help. */
export const COMMANDS: readonly CommandEntry[] = [
  { name: 'sandbox', load: async () => (await import('./commands/sandbox.ts')).sandbox },
  { name: 'init', load: async () => (await import('./commands/init.ts')).init },
  { name: 'federation keygen', load: async () => (await import('./commands/federation-council.ts')).federationKeygen },
  { name: 'federation create', load: async () => (await import('./commands/federation-council.ts')).federationCreate },
  { name: 'federation add', load: async () => (await import('./commands/federation-draft.ts')).federationAdd },
  { name: 'federation remove', load: async () => (await import('./commands/federation-draft.ts')).federationRemove },
  { name: 'federation suspend', load: async () => (await import('./commands/federation-draft.ts')).federationSuspend },
  {
    name: 'federation reactivate',
    load: async () => (await import('./commands/federation-draft.ts')).federationReactivate,
  },
  { name: 'federation revoke', load: async () => (await import('./commands/federation-draft.ts')).federationRevoke },
  {
    name: 'federation council',
    load: async () => (await import('./commands/federation-council.ts')).federationCouncil,
  },
  { name: 'federation renew', load: async () => (await import('./commands/federation-council.ts')).federationRenew },
  { name: 'federation sign', load: async () => (await import('./commands/federation-draft.ts')).federationSign },
  { name: 'federation publish', load: async () => (await import('./commands/federation.ts')).federationPublish },
  { name: 'federation show', load: async () => (await import('./commands/federation.ts')).federationShow },
  { name: 'federation diff', load: async () => (await import('./commands/federation.ts')).federationDiff },
  { name: 'federation verify', load: async () => (await import('./commands/federation.ts')).federationVerify },
  { name: 'keys csr', load: async () => (await import('./commands/keys-certificate.ts')).keysCsr },
  {
    name: 'keys install-certificate',
    load: async () => (await import('./commands/keys-certificate.ts')).keysInstallCertificate,
  },
  { name: 'serve', load: async () => (await import('./commands/serve.ts')).serve },
  { name: 'status', load: async () => (await import('./commands/status.ts')).status },
  { name: 'peers', load: async () => (await import('./commands/status.ts')).peers },
  { name: 'doctor', load: async () => (await import('./commands/doctor.ts')).doctor },
  { name: 'why', load: async () => (await import('./commands/why.ts')).why },
  { name: 'message check', load: async () => (await import('./commands/message-check.ts')).messageCheck },
  { name: 'message send', load: async () => (await import('./commands/message-send.ts')).messageSend },
  { name: 'message list', load: async () => (await import('./commands/message-list.ts')).messageList },
  { name: 'message show', load: async () => (await import('./commands/message-show.ts')).messageShow },
  { name: 'message template', load: async () => (await import('./commands/message-template.ts')).messageTemplate },
  { name: 'message withdraw', load: async () => (await import('./commands/message-withdraw.ts')).messageWithdraw },
  { name: 'case list', load: async () => (await import('./commands/case.ts')).caseList },
  { name: 'case show', load: async () => (await import('./commands/case.ts')).caseShow },
  { name: 'case transitions', load: async () => (await import('./commands/case-transitions.ts')).caseTransitions },
  { name: 'basis', load: async () => (await import('./commands/basis.ts')).basis },
  { name: 'evidence add', load: async () => (await import('./commands/evidence-add.ts')).evidenceAdd },
  { name: 'evidence send', load: async () => (await import('./commands/evidence.ts')).evidenceSend },
  { name: 'evidence list', load: async () => (await import('./commands/evidence.ts')).evidenceList },
  { name: 'evidence get', load: async () => (await import('./commands/evidence-get.ts')).evidenceGet },
  { name: 'evidence verify', load: async () => (await import('./commands/evidence.ts')).evidenceVerify },
  { name: 'evidence delete', load: async () => (await import('./commands/evidence.ts')).evidenceDelete },
  { name: 'evidence custody add', load: async () => (await import('./commands/evidence.ts')).custodyAdd },
  { name: 'evidence custody show', load: async () => (await import('./commands/evidence.ts')).custodyShow },
  { name: 'ledger checkpoint', load: async () => (await import('./commands/ledger.ts')).ledgerCheckpoint },
  { name: 'ledger proof', load: async () => (await import('./commands/ledger.ts')).ledgerProof },
  { name: 'ledger consistency', load: async () => (await import('./commands/ledger.ts')).ledgerConsistency },
  { name: 'ledger seen', load: async () => (await import('./commands/ledger.ts')).ledgerSeen },
  { name: 'ledger export', load: async () => (await import('./commands/ledger.ts')).ledgerExport },
  { name: 'ledger incidents', load: async () => (await import('./commands/ledger.ts')).ledgerIncidents },
  { name: 'audit export', load: async () => (await import('./commands/audit-export.ts')).auditExport },
  { name: 'audit verify', load: async () => (await import('./commands/audit-verify.ts')).auditVerify },
  { name: 'backup', load: async () => (await import('./commands/backup.ts')).backup },
  { name: 'restore', load: async () => (await import('./commands/backup.ts')).restore },
];
