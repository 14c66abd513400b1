import type { AuditReport } from '../audit/mod.ts';

/** An audit's verdict for people. */
export function auditLines({ ok, ledgers, exchange, findings }: AuditReport): string[] {
  return [
    ...ledgers.flatMap(
      ({ name, code, origin, size, root, kinds, proofs, manifest, cosigned, witnessed_size: witnessed }) => [
        `${name}: ${code}, ledger ${origin}`,
        `  ${size} entries hash to the signed root ${root}`,
        `  ${Object.entries(kinds)
          .map(([kind, count]) => `${count} ${kind}`)
          .join(', ')}; ${proofs} proofs of peers verified`,
        ...cosigned.map(({ witness, size: at, time }) => `  ${witness} cosigned ${at} entries at ${time}`),
        ...(witnessed === undefined ? [] : [`  the policy’s quorum vouches for ${witnessed} of ${size} entries`]),
        `  manifest ${manifest.versions.join(', ')}, fingerprint ${manifest.fingerprint}`,
      ],
    ),
    ...exchange.map(({ from, to, sent, received, refused, voided, unanswered, acknowledged_ms }) => {
      const waits =
        acknowledged_ms === undefined
          ? ''
          : `; acknowledged in ${acknowledged_ms.p50} ms (p50), ${acknowledged_ms.worst} ms at worst`;
      return `${from} → ${to}: ${sent} sent, ${received} received, ${refused} refused, ${voided} voided, ${unanswered} unanswered${waits}`;
    }),
    ...findings.map(({ code, where, detail }) => `WRONG  ${code}  ${where}: ${detail}`),
    ok
      ? 'Verified: nothing was found wrong.'
      : `NOT VERIFIED: ${findings.length} ${findings.length === 1 ? 'thing is' : 'things are'} wrong.`,
  ];
}
