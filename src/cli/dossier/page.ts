/** The dossier as a page for a court: one file, no script, nothing from elsewhere, and made of `dossier.json` alone. */
import { bytesToBase64, counted, isoTime, sha256, utf8ToBytes } from '../../base/mod.ts';
import { REPORT_STYLE, escapeHtml } from '../../audit/mod.ts';
import { parseJson } from '../../wire/mod.ts';
import type { ItemAnswer } from '../../exchange/mod.ts';
import type { Dossier, DossierFile, DossierMessage } from './data.ts';
import { custodyTable, exhibitFacts, facts, table } from './exhibit-html.ts';

// The ledgers hold a digest of what was signed, and the dossier has no signed message to compare with it.
const AS_SHOWN = 'As the node shows it; its words are not proved here';

/** The page as it was made before it said so: a court may have one. */
export function earlierDossierPage(dossier: Dossier): string {
  return dossierPage(dossier).replaceAll(`<summary>${AS_SHOWN}</summary>`, '<summary>As it was signed</summary>');
}

/** The whole page. */
export function dossierPage(dossier: Dossier): string {
  const hash = bytesToBase64(sha256(utf8ToBytes(REPORT_STYLE)));
  const policy = `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`;
  return (
    `<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n` +
    `<meta http-equiv="Content-Security-Policy" content="${policy}">\n` +
    `<meta name="viewport" content="width=device-width, initial-scale=1">\n<meta name="referrer" content="no-referrer">\n` +
    `<title>Evidence of case ${escapeHtml(dossier.case_id)}</title>\n<style>${REPORT_STYLE}</style>\n</head>\n` +
    `<body>\n<main class="report">\n${sections(dossier).join('\n')}\n</main>\n</body>\n</html>\n`
  );
}

function sections(dossier: Dossier): string[] {
  const { code, case_id: caseId, checkpoint, bundle_sha256: digest, exhibits, files, messages } = dossier;
  const [origin = '', size = '', root = ''] = checkpoint.split('\n');
  return [
    `<h1>Evidence of case ${escapeHtml(caseId)}</h1>`,
    facts([
      ['Made by', `the node of ${escapeHtml(code)}`],
      [
        'Its ledger',
        `<code>${escapeHtml(origin)}</code>, ${escapeHtml(counted(Number(size), 'entry', 'entries'))}, root <code>${escapeHtml(root)}</code>`,
      ],
      ['Bundle', `bundle.zip, SHA-256 <code>${escapeHtml(digest)}</code>`],
      ['Exhibits, files', `${exhibits.length}, ${files.length}`],
    ]),
    `<h2>How to verify this</h2>`,
    `<p>Without a network, and without trusting who made it: <code>rogatory audit verify</code> of the zip that this page is from hashes the ledger again, verifies ` +
      `every receipt of both sides, every signature of every chain of custody, and that this page says what was verified. The fingerprint of the first ` +
      `manifest is to be compared with the one that the council published. <code>sha256sum -c sha256sums.txt</code> in the folder of the files compares them.</p>`,
    `<h2>Exhibits</h2>`,
    ...exhibits.map((exhibit) => exhibitSection(exhibit, files)),
    `<h2>Files</h2>`,
    filesTable(code, files),
    `<h2>Messages and receipts</h2>`,
    messages.length === 0 ? '<p>None.</p>' : messages.map((message) => messageSection(code, message)).join('\n'),
  ];
}

function exhibitSection({ origin, item: json, faults, differing }: ItemAnswer, files: readonly DossierFile[]): string {
  const item = parseJson('EvidenceItem', json);
  const own = files.filter(({ file_id: id }) => item.files.includes(id));
  const verdict =
    faults.length === 0
      ? ''
      : `<p class="verdict bad">The chain of custody is broken: ${escapeHtml(faults.map(({ path, message }) => `${path} ${message}`).join('; '))}</p>`;
  const stated = differing.map(
    (digest) => `<p class="verdict bad">No file has the SHA-256 that it states: <code>${escapeHtml(digest)}</code></p>`,
  );
  return (
    `<section>\n<h3>${escapeHtml(item.exhibit_no ?? item.item_id)} <span>(${escapeHtml(item.item_id)} of ${escapeHtml(origin)})</span></h3>\n` +
    `${exhibitFacts(
      item,
      own.map(({ name, sha256: digest }) => `${escapeHtml(name)} <code>${escapeHtml(digest)}</code>`),
    )}\n${verdict}${stated.join('\n')}` +
    `<h3>Chain of custody</h3>\n${custodyTable(item.custody)}\n</section>`
  );
}

function filesTable(code: string, files: readonly DossierFile[]): string {
  if (files.length === 0) return '<p>None.</p>';
  const rows = files.map((file) => [
    escapeHtml(file.name),
    escapeHtml(`${file.size} bytes, ${file.media_type}`),
    `SHA-256 <code>${escapeHtml(file.sha256)}</code><br>sealed <code>${escapeHtml(file.root)}</code>`,
    `${escapeHtml(file.status)}${file.reason === undefined ? '' : ` (${escapeHtml(file.reason)})`}<br>${movesText(code, file)}`,
  ]);
  return table(['Name', 'Size', 'Digests', 'Where it is'], rows);
}

function movesText(code: string, file: DossierFile): string {
  const came =
    file.complete_index === undefined
      ? []
      : [`from ${file.peer}: whole, entry ${file.complete_index} of the ledger of ${code}`];
  const went = file.offers.map(({ peer, status, held_index: held }) =>
    status === 'COMPLETE'
      ? `to ${peer}: whole; its proof is entry ${held} of the ledger of ${code}`
      : `to ${peer}: ${status}`,
  );
  return [...came, ...went].map(escapeHtml).join('<br>');
}

function messageSection(code: string, { record, content, proof }: DossierMessage): string {
  const [from, to] = record.direction === 'OUT' ? [code, record.peer] : [record.peer, code];
  const json = escapeHtml(JSON.stringify(content, undefined, 1));
  const entry = (ref: { readonly index: number; readonly time: number } | undefined, of: string): string =>
    ref === undefined ? 'none yet' : `entry ${ref.index} of the ledger of ${escapeHtml(of)}, ${isoTime(ref.time)}`;
  return (
    `<section>\n<h3>${escapeHtml(record.type ?? 'message')} ${escapeHtml(from)} <span aria-label="to">→</span> ${escapeHtml(to)}, ${escapeHtml(record.status)}</h3>\n` +
    facts([
      ['Message', `<code>${escapeHtml(record.message_id)}</code>, number ${record.seq}`],
      ['Sent', entry(record.sent, from)],
      ['Answered', entry(record.answer, to)],
      ['Receipt held', record.direction === 'OUT' ? entry(record.held, from) : 'as its sender’s ledger says'],
      [
        'Proof of the other side',
        proof === undefined
          ? 'none'
          : `${escapeHtml(proof.kind)}, entry ${proof.index} of <code>${escapeHtml(proof.origin)}</code>, ${proof.verified ? 'verified' : 'NOT VERIFIED'}` +
            `<details><summary>Proof</summary><pre>${escapeHtml(proof.entry)}\n\n${escapeHtml(proof.proof)}</pre></details>`,
      ],
      ['Content', `<details><summary>${AS_SHOWN}</summary><pre>${json}</pre></details>`],
    ]) +
    `\n</section>`
  );
}
