/** The auditor’s page in a real browser: the same verdicts as on the command line, and nothing goes in or out. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { auditBundles, parsePolicy, type AuditReport } from '../../src/audit/mod.ts';
import type { JurisdictionCode } from '../../src/base/mod.ts';
import type { Manifest } from '../../src/trust/mod.ts';
import { acknowledgementDraft, requestDraft } from '../kit/drafts.ts';
import { exportedBundle, rebuildBundle } from '../kit/bundle.ts';
import { CHROMIUM, openPage, type Page } from '../kit/chromium.ts';
import { copyTestFederation, startNode, until } from '../kit/federation.ts';
import { temporaryFolder } from '../kit/folder.ts';

const PAGE = '.build/auditor.html';
const isRequired = process.env['ROGATORY_CHROMIUM'] === 'require';
const MUTANTS = process.env['SLOW'] === '1' ? 400 : 24;
if (CHROMIUM === undefined) process.stderr.write('skipped: the auditor’s page needs Chromium to be tried in\n');

function build(): string {
  const { status, stderr } = spawnSync(process.execPath, ['scripts/auditor-page.mjs'], { encoding: 'utf8' });
  expect(status, stderr).toBe(0);
  return readFileSync(PAGE, 'utf8');
}

describe('the file', () => {
  test('is one page that its own policy holds to itself', () => {
    const html = build();
    const policy = /Content-Security-Policy"\s+content="([^"]+)"/.exec(html)![1]!;
    const [, style] = /<style>([\s\S]*?)<\/style>/.exec(html)!;
    const [, script] = /<script type="module">([\s\S]*?)<\/script>/.exec(html)!;
    const hashOf = (text: string): string => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;
    expect(policy).toBe(
      `default-src 'none'; script-src ${hashOf(script!)}; style-src ${hashOf(style!)}; base-uri 'none'; form-action 'none'`,
    );
    expect(html.match(/<script/g)).toHaveLength(1);
    expect(html).not.toMatch(/<(?:link|img|iframe)\b|from ?"node:|XMLHttpRequest|\bfetch\(/);
  });
});

describe.runIf(CHROMIUM !== undefined || isRequired)('in Chromium', () => {
  async function verdictOf(page: Page, paths: readonly string[]): Promise<AuditReport> {
    await page.setFiles('#files', paths);
    await until(() => page.evaluate<boolean>(`document.querySelector('#machine').textContent !== ''`), 30_000);
    return JSON.parse(await page.evaluate<string>(`document.querySelector('#machine').textContent`)) as AuditReport;
  }

  /** Policies of witnesses: what was given is verified again under each, and nothing under one that cannot be read. */
  async function tryPolicies(
    page: Page,
    bundle: { readonly name: string; readonly bytes: Uint8Array },
    { save, manifest }: { readonly save: (name: string, bytes: Uint8Array) => string; readonly manifest: Manifest },
  ): Promise<void> {
    const [a, b] = manifest.members.map(({ witness }) => witness.vkey);
    const text = (id: string): Promise<string> => page.evaluate<string>(`document.querySelector('${id}').textContent`);
    const settled = async (state: string): Promise<AuditReport> => {
      await until(async () => (await text('#policy-state')) === state && (await text('#machine')) !== '', 30_000);
      return JSON.parse(await text('#machine')) as AuditReport;
    };
    const expected = async (policy?: string): Promise<unknown> => {
      const demands = policy === undefined ? {} : { policy: parsePolicy(policy) };
      return JSON.parse(JSON.stringify(await auditBundles([bundle], demands)));
    };
    const without = 'No policy: no witness has to vouch.';
    expect(await verdictOf(page, [save(bundle.name, bundle.bytes)])).toEqual(await expected());
    for (const [name, policy, ok] of [
      ['met.txt', `witness b ${b}\nquorum b\n`, true],
      ['unmet.txt', `witness b ${b}\nwitness a ${a}\ngroup both all a b\nquorum both\n`, false],
      ['none.txt', 'quorum none\n', true],
    ] as const) {
      await page.setFiles('#policy', [save(name, Buffer.from(policy))]);
      const report = await settled(`Policy: ${name}`);
      expect(report).toEqual(await expected(policy));
      expect([name, report.ok]).toEqual([name, ok]);
    }
    for (const [name, bytes, words] of [
      ['wrong.txt', Buffer.from('# a policy\nwitness b nonsense\n'), 'Line 2 of the policy'],
      ['empty.txt', new Uint8Array(), 'AUDIT_POLICY_MALFORMED'],
      ['bundle.zip', bundle.bytes, 'AUDIT_POLICY_MALFORMED'],
      ['long.txt', Buffer.alloc(1_000_001, '\n'), '1000000 bytes'],
    ] as const) {
      await page.setFiles('#policy', [save(name, bytes)]);
      const told = async (id: string): Promise<boolean> => (await text(id)).includes(words);
      await until(async () => (await told('#result')) && (await told('#policy-state')), 30_000);
      expect([name, await text('#machine')]).toEqual([name, '']);
      expect(await text('#policy-state')).toContain(`${name}: Nothing was verified`);
      // Nor anything that is given afterwards.
      await page.setFiles('#files', [save('later.zip', bundle.bytes)]);
      await until(async () => !(await text('#result')).startsWith('Verifying'), 30_000);
      expect([name, await told('#result'), await text('#machine')]).toEqual([name, true, '']);
    }
    await page.evaluate(`document.querySelector('#no-policy').click()`);
    expect(await settled(without)).toMatchObject({ ok: true, ledgers: [{ name: 'later.zip' }] });
  }

  test('good and mutated bundles get the verdicts that the command line gives', async () => {
    build();
    const federation = await copyTestFederation(['XA', 'XB']);
    const witnessing = { witnessIntervalMs: 50 };
    const [a, b] = [await startNode(federation, 'XA', witnessing), await startNode(federation, 'XB', witnessing)];
    const sent = await a.exchange.send(requestDraft(), 'XB' as JurisdictionCode);
    await a.exchange.answerOf(sent.message_id, 60_000);
    const answer = await b.exchange.send(acknowledgementDraft(sent.message_id), 'XA' as JurisdictionCode);
    await b.exchange.answerOf(answer.message_id, 60_000);
    // What comes after the last receipt is about witnessing alone, and at the end nobody is asked to cosign that.
    const answered = a.exchange.grownTo;
    await until(async () => (await a.exchange.cosignatures()).some(({ size }) => size >= answered));
    const folder = temporaryFolder();
    const save = (name: string, bytes: Uint8Array): string => {
      writeFileSync(join(folder, name), bytes);
      return join(folder, name);
    };
    // Before the disclosure, which nobody has witnessed yet.
    const witnessed = { name: 'witnessed.zip', bytes: await exportedBundle(a) };
    const [xa, xb] = [await exportedBundle(a, { disclose: [sent.message_id] }), await exportedBundle(b)];
    const page = await openPage(resolve(PAGE));
    const named = [
      { name: 'xa.zip', bytes: xa },
      { name: 'xb.zip', bytes: xb },
    ];
    const report = await verdictOf(
      page,
      named.map(({ name, bytes }) => save(name, bytes)),
    );
    expect(report).toEqual(JSON.parse(JSON.stringify(await auditBundles(named))));
    expect(report.ok).toBe(true);
    expect(await page.evaluate<string>(`document.querySelector('.good').textContent`)).toContain('Verified');
    expect(await page.evaluate<number>(`document.querySelectorAll('#result td').length`)).toBeGreaterThan(15);
    // The timeline is drawn: a dot where each message was sent, one where it was received, one where its receipt came.
    expect(await page.evaluate<number>(`document.querySelectorAll('#result svg circle').length`)).toBe(6);
    const styled = `getComputedStyle(document.querySelector('#result .tile')).borderTopStyle`;
    expect(await page.evaluate<string>(styled)).toBe('solid');

    for (let n = 0; n < MUTANTS; n++) {
      const bytes = await mutate(xa, n);
      const name = `${n}.zip`;
      const theirs = await verdictOf(page, [save(name, bytes)]);
      expect(theirs).toEqual(JSON.parse(JSON.stringify(await auditBundles([{ name, bytes }]))));
      expect(theirs.ok).toBe(false);
    }
    // What is no bundle is told as on the command line, beside one that is.
    const strangers = [
      { name: 'xa.zip', bytes: xa },
      { name: 'note.txt', bytes: Buffer.from('no bundle') },
      { name: 'empty.zip', bytes: new Uint8Array() },
      { name: 'cut.zip', bytes: xa.subarray(0, 4000) },
    ];
    const told = await verdictOf(
      page,
      strangers.map(({ name, bytes }) => save(name, bytes)),
    );
    expect(told).toEqual(JSON.parse(JSON.stringify(await auditBundles(strangers))));
    expect(told.findings.map(({ where }) => where)).toEqual(['note.txt', 'empty.zip', 'cut.zip']);

    // Of files that are given while others are being verified, the last are shown, and stay.
    const many = Array.from({ length: 20 }, () => join(folder, 'xa.zip'));
    const start = performance.now();
    expect((await verdictOf(page, many)).ledgers).toHaveLength(20);
    const tookMs = performance.now() - start;
    await page.setFiles('#files', many);
    expect((await verdictOf(page, [join(folder, 'xb.zip')])).ledgers.map(({ name }) => name)).toEqual(['xb.zip']);
    await new Promise((resolve) => setTimeout(resolve, 2 * tookMs));
    expect(await page.evaluate<string>(`document.querySelector('#machine').textContent`)).not.toContain('xa.zip');

    await tryPolicies(page, witnessed, { save, manifest: a.exchange.manifest });

    // Dropped anywhere on the page, it is verified, and not opened in the page's place.
    const dropped = await page.evaluate<boolean>(`(() => {
      const dataTransfer = new DataTransfer();
      dataTransfer.items.add(new File(['no bundle'], 'dropped.txt'));
      return document.querySelector('h1').dispatchEvent(new DragEvent('drop', { dataTransfer, bubbles: true, cancelable: true }));
    })()`);
    expect(dropped).toBe(false);
    await until(
      () => page.evaluate<boolean>(`document.querySelector('#machine').textContent.includes('dropped.txt')`),
      30_000,
    );
    expect(page.complaints).toEqual([]);
    // The policy is in force: even the page’s own console cannot reach out.
    expect(await page.evaluate<string>(`fetch('http://127.0.0.1:9/').then(() => 'reached', () => 'stopped')`)).toBe(
      'stopped',
    );
    expect(page.complaints.join()).toContain('Content Security Policy');
  }, 300_000);
});

async function mutate(bytes: Uint8Array, n: number): Promise<Uint8Array> {
  const at = (limit: number): number => (n * 7919 + 13) % limit;
  if (n % 3 === 0) {
    const changed = bytes.slice();
    changed[at(bytes.length)]! ^= 1 << (n % 8);
    return changed;
  }
  return rebuildBundle(bytes, (files) => {
    // The index is made to fit whatever it was.
    const names = [...files.keys()].filter((name) => name !== 'bundle.json');
    const name = names[n % names.length]!;
    const content = files.get(name)!.slice();
    content[at(content.length)]! ^= 1 << (n % 7);
    files.set(name, content);
  });
}
