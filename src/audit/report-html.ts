/** The report as a page for people: one file, no script, nothing from elsewhere, and a policy that holds it to that. */
import { bytesToBase64, counted, sha256, utf8ToBytes } from '../base/mod.ts';
import type { AuditReport, LedgerReport } from './audit.ts';
import type { DirectionReport } from './cross-audit.ts';
import type { DisclosedMessage } from './disclosed.ts';
import { timelineChart } from './report-chart.ts';
import { REPORT_STYLE } from './report-style.ts';
import { duration, escapeHtml } from './report-text.ts';

/** The whole page. */
export function reportPage(report: AuditReport): string {
  const hash = bytesToBase64(sha256(utf8ToBytes(REPORT_STYLE)));
  const policy = `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`;
  return (
    `<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n` +
    `<meta http-equiv="Content-Security-Policy" content="${policy}">\n` +
    `<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="referrer" content="no-referrer">\n` +
    `<title>Rogatory audit: ${report.ok ? 'verified' : 'not verified'}</title>\n<style>${REPORT_STYLE}</style>\n</head>\n` +
    `<body>\n<main class="report">\n<h1>Audit of ${report.ledgers.length} ${report.ledgers.length === 1 ? 'ledger' : 'ledgers'}</h1>\n` +
    `${reportSections(report)}\n</main>\n</body>\n</html>\n`
  );
}

/** Verdict, findings, ledgers and exchange, as sections of a page. */
export function reportSections(report: AuditReport): string {
  return [
    verdict(report),
    findings(report),
    ...(report.exchange.length === 0 ? [] : [`<h2>Exchange</h2>`, ...report.exchange.map(directionSection)]),
    ...(report.ledgers.length === 0 ? [] : [`<h2>Ledgers</h2>`, ...report.ledgers.map(ledgerSection)]),
  ].join('\n');
}

function verdict({ ok, findings: found, findings_omitted: omitted = 0 }: AuditReport): string {
  const wrong = found.length + omitted;
  const words = ok
    ? 'Verified: nothing was found wrong.'
    : `Not verified: ${wrong} ${wrong === 1 ? 'thing is' : 'things are'} wrong.`;
  return `<p class="verdict ${ok ? 'good' : 'bad'}">${words}</p>`;
}

function findings({ findings: found, findings_omitted: omitted = 0 }: AuditReport): string {
  if (found.length === 0) return '';
  const rows = found.map(({ code, where, detail }) => [
    `<code>${escapeHtml(code)}</code>`,
    escapeHtml(where),
    escapeHtml(detail),
  ]);
  const more = omitted === 0 ? '' : `<p>And ${omitted} more.</p>`;
  return `<h2>What is wrong</h2>\n${table(['What', 'Where', 'Why'], rows)}${more}`;
}

function directionSection(direction: DirectionReport): string {
  const { from, to, acknowledged_ms: waits } = direction;
  const counts: readonly (readonly [string, number])[] = [
    ['sent', direction.sent],
    ['received', direction.received],
    ['refused', direction.refused],
    ['voided', direction.voided],
    ['unanswered', direction.unanswered],
    ['not received', direction.not_received],
    ['not in the part shown', direction.not_shown],
    ['receipt not held', direction.receipt_not_held],
  ];
  const tiles = counts.filter(([label, count]) => count > 0 || label === 'sent' || label === 'received');
  const times =
    waits === undefined
      ? []
      : (
          [
            ['p50', waits.p50],
            ['p90', waits.p90],
            ['worst', waits.worst],
          ] as const
        ).map(([label, ms]) => tile(duration(ms), label));
  return (
    `<section class="direction">\n<h3>${escapeHtml(from)} <span aria-label="to">→</span> ${escapeHtml(to)}</h3>\n` +
    `<div class="tiles">${tiles.map(([label, count]) => tile(String(count), label)).join('')}` +
    `${times.length === 0 ? '' : `<span class="gap">acknowledged in</span>${times.join('')}`}</div>\n` +
    `${timelineChart(direction)}\n</section>`
  );
}

function tile(value: string, label: string): string {
  return `<span class="tile"><b>${escapeHtml(value)}</b> ${escapeHtml(label)}</span>`;
}

function ledgerSection(ledger: LedgerReport): string {
  const { size, selection, kinds, cosigned, manifest } = ledger;
  const rows: (readonly [string, string])[] = [
    ['File', escapeHtml(ledger.name)],
    ['Ledger', `<code>${escapeHtml(ledger.origin)}</code>`],
    ['Entries', `${size} hash to the signed root <code>${escapeHtml(ledger.root)}</code>`],
    ...(ledger.epochs ?? []).map(
      ({ number, kept, signed, recovered }) =>
        [
          `Epoch ${number}`,
          `begins at entry ${kept}, after a loss: ${signed} had been signed, ${recovered} came back`,
        ] as const,
    ),
    ...(selection === undefined ? [] : [['Shown', escapeHtml(JSON.stringify(selection))] as const]),
    ['From, to', `${escapeHtml(ledger.first_entry ?? '–')}, ${escapeHtml(ledger.last_entry ?? '–')}`],
    [
      'Kinds',
      Object.entries(kinds)
        .map(([kind, count]) => `${count}&nbsp;${escapeHtml(kind)}`)
        .join(', '),
    ],
    ['Proofs of peers', `${ledger.proofs} verified`],
    ...(ledger.disclosed ?? []).map(disclosedRow),
    [
      'Witnesses',
      cosigned
        .map(
          ({ witness, size: at, time }) =>
            `${escapeHtml(witness)}: ${counted(at, 'entry', 'entries')}, ${escapeHtml(time)}`,
        )
        .join('<br>') || 'none',
    ],
    ...(cosigned.length === 0 ? [] : [['Not witnessed yet', counted(ledger.unwitnessed, 'entry', 'entries')] as const]),
    ...(ledger.witnessed_size === undefined
      ? []
      : [['Policy', `its quorum vouches for ${counted(ledger.witnessed_size, 'entry', 'entries')}`] as const]),
    [
      'Manifests',
      `version ${manifest.versions.join(', ')}; fingerprint of the first <code>${escapeHtml(manifest.fingerprint)}</code>`,
    ],
  ];
  const lines = rows.map(([name, value]) => `<tr><th scope="row">${name}</th><td>${value}</td></tr>`);
  return `<section>\n<h3>${escapeHtml(ledger.code)}</h3>\n<table class="facts">${lines.join('')}</table>\n</section>`;
}

function disclosedRow({
  message_id: id,
  from,
  to,
  type,
  issued_at: time,
  entry,
  content,
}: DisclosedMessage): readonly [string, string] {
  const summary = `${type} from ${from} to ${to}, signed ${time}, as entry ${entry} commits to it: ${id}`;
  const json = escapeHtml(JSON.stringify(content, undefined, 2));
  return ['Disclosed', `${escapeHtml(summary)}<details><summary>Content</summary><pre>${json}</pre></details>`];
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const head = heads.map((text) => `<th scope="col">${text}</th>`).join('');
  return `<table><thead><tr>${head}</tr></thead><tbody>${rows.map((row) => `<tr>${row.map((cell) => `<td>${cell}</td>`).join('')}</tr>`).join('')}</tbody></table>`;
}
