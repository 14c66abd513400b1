/** One exhibit in HTML: what it is, how it was had, what certifies it, and in whose hands it was. */
import { bytesToHex, isoTime } from '../../base/mod.ts';
import { escapeHtml } from '../../audit/mod.ts';
import type { Certificate, CustodyRecord, EvidenceItem, Hash } from '../../wire/mod.ts';

type Fact = readonly [name: string, html: string];

/** A table of facts, of which those without a value are left out. Values are HTML. */
export function facts(rows: readonly Fact[]): string {
  const lines = rows
    .filter(([, html]) => html !== '')
    .map(([name, html]) => `<tr><th scope="row">${name}</th><td>${html}</td></tr>`);
  return `<table class="facts">${lines.join('')}</table>`;
}

/** A table; cells are HTML. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const head = heads.map((text) => `<th scope="col">${text}</th>`).join('');
  const body = rows.map((row) => `<tr>${row.map((cell) => `<td>${cell}</td>`).join('')}</tr>`).join('');
  return `<table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table>`;
}

/** Everything about an exhibit but its chain of custody. @param files its files, as HTML */
export function exhibitFacts(item: EvidenceItem, files: readonly string[]): string {
  const { collected, acquisition, return_obligation: obligation } = item;
  const met = new Set(item.formalities_met.map(({ text }) => text));
  const list = (lines: readonly string[]): string => lines.join('<br>');
  return facts([
    ['What', `${escapeHtml(item.kind)}: ${escapeHtml(item.description.text)}`],
    ['Part of', escapeHtml(item.parent_item ?? '')],
    ['Made from', escapeHtml(item.derived_from.join(', '))],
    [
      'Collected',
      list([collected.by, collected.role, collected.authority, collected.place, isoTime(collected.at)].map(escapeHtml)),
    ],
    ['By law', escapeHtml([collected.law, collected.authorisation ?? ''].filter((text) => text !== '').join('; '))],
    [
      'Acquired',
      acquisition === undefined
        ? ''
        : escapeHtml(
            `${acquisition.tool} ${acquisition.version}, ${acquisition.method}${acquisition.write_blocker === undefined ? '' : `, write blocker ${acquisition.write_blocker}`}`,
          ),
    ],
    [
      'Formalities',
      list(item.formalities_requested.map(({ text }) => `${met.has(text) ? 'met' : 'NOT MET'}: ${escapeHtml(text)}`)),
    ],
    ['Digests', list(item.hashes.map(hashText))],
    ['Privilege', item.privileged ? 'claimed: not to be read before the claim is decided' : ''],
    ['Conditions', list(item.conditions.map((condition) => escapeHtml(JSON.stringify(condition))))],
    [
      'To be returned',
      obligation === undefined
        ? ''
        : escapeHtml(`${obligation.return_by ?? 'as soon as the proceeding allows'} ${obligation.terms?.text ?? ''}`),
    ],
    ['Files', list(files)],
    ['Certificates', item.certificates.map(certificateHtml).join('')],
  ]);
}

function certificateHtml(certificate: Certificate): string {
  const { kind, by, function: role, authority, place, date, sworn, statement, particulars } = certificate;
  const signed = [by, role, authority ?? '', `${place}, ${date}`].filter((text) => text !== '').join(', ');
  const rows: Fact[] = [
    ['Kind', escapeHtml(kind)],
    ['Signed', `${escapeHtml(signed)}${sworn ? ', under oath, affirmation or penalty of perjury' : ''}`],
    ['States', escapeHtml(statement.text)],
    ...particulars.map(({ name, value }): Fact => [escapeHtml(name), escapeHtml(value.text)]),
  ];
  return facts(rows);
}

/** A chain of custody, event by event. */
export function custodyTable(custody: readonly CustodyRecord[]): string {
  if (custody.length === 0) return '<p>No event.</p>';
  const rows = custody.map(({ event, jurisdiction, kid, signature }) => [
    String(event.number),
    escapeHtml(isoTime(event.at)),
    `<b>${escapeHtml(event.kind)}</b>${event.seal_no === undefined ? '' : `<br>seal ${escapeHtml(event.seal_no)}`}`,
    `${escapeHtml(event.from === undefined ? event.to : `${event.from} → ${event.to}`)}<br>${escapeHtml(event.place)}` +
      (event.note === undefined ? '' : `<br>${escapeHtml(event.note.text)}`),
    [
      event.hash_before === undefined ? '' : `before ${hashText(event.hash_before)}`,
      event.hash_after === undefined ? '' : `after ${hashText(event.hash_after)}`,
      event.previous === undefined ? '' : `follows <code>${bytesToHex(event.previous)}</code>`,
      ...event.joins.map((digest) => `and <code>${bytesToHex(digest)}</code>`),
    ]
      .filter((text) => text !== '')
      .join('<br>'),
    `${escapeHtml(jurisdiction)}<details><summary>Signature</summary><code>${escapeHtml(kid)}</code><br><code>${bytesToHex(signature)}</code></details>`,
  ]);
  return table(['No.', 'When', 'What', 'Who and where', 'Content', 'Signed by'], rows);
}

function hashText({ algorithm, value }: Hash): string {
  return `${escapeHtml(algorithm)} <code>${bytesToHex(value)}</code>`;
}
