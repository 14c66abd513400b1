/** The council’s folder, where a part of it is missing. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { JurisdictionCode } from '../../src/base/mod.ts';
import { amendDraft, createCouncil, enrolMember, signDraft, verifySigned } from '../../src/node/mod.ts';
import { aloneIn } from '../../src/node/folder-lock.ts';
import { writeCouncilKey } from '../../src/node/council-key.ts';
import { changeCouncil, generateNodeKeys, provesWith, signEnrolment } from '../../src/trust/mod.ts';
import { temporaryFolder } from '../kit/folder.ts';
import { statementOf } from '../kit/statement.ts';

test('a successor is not called complete without the version whose council has to agree', async () => {
  const folder = temporaryFolder();
  const { council } = await createCouncil(folder, { keys: 1, threshold: 1 });
  await signDraft(folder);
  const keyFile = join(temporaryFolder(), 'next.key');
  const next = await writeCouncilKey(keyFile, undefined, Date.now());
  const change = { add: [next], remove: council.keys.map(({ kid }) => kid) };
  await amendDraft(folder, (draft, nowMs) => changeCouncil(draft, change, nowMs));
  const [first, aside] = [join(folder, 'manifest-1.json'), join(folder, 'aside')];
  renameSync(first, aside);
  const incomplete = { code: 'NODE_INCOMPLETE', message: expect.stringContaining(first) as string };
  await expect(signDraft(folder, { keyFiles: [keyFile] })).rejects.toMatchObject(incomplete);
  renameSync(aside, first);
  await signDraft(folder, { keyFiles: [keyFile] });
  expect(await verifySigned(folder)).toMatchObject({ ok: false, reason: 'MANIFEST_UNSIGNED' });
  renameSync(first, aside);
  await expect(verifySigned(folder)).rejects.toMatchObject(incomplete);
  renameSync(aside, first);
  await signDraft(folder);
  expect(await verifySigned(folder)).toMatchObject({ ok: true });
});

test('a false signature under another’s name takes the place of none that was given', async () => {
  const folder = temporaryFolder();
  await createCouncil(folder, { keys: 2, threshold: 2 });
  const signed = await signDraft(folder);
  expect(await verifySigned(folder)).toMatchObject({ ok: true });
  const file = JSON.parse(signed) as { payload: string; signatures: { protected: string; signature: string }[] };
  const [first, second] = file.signatures;
  const written = (signatures: object[]): string => `${JSON.stringify({ payload: file.payload, signatures })}\n`;
  for (const signatures of [
    [{ protected: first!.protected, signature: second!.signature }],
    [second!, { ...first!, signature: 'AAAA' }],
    [first!, first!],
  ]) {
    await expect(signDraft(folder, { signed: [written(signatures)] })).rejects.toMatchObject({
      code: 'TRUST_MALFORMED',
    });
    expect(await verifySigned(folder)).toMatchObject({ ok: true });
  }
  expect(await signDraft(folder, { signed: [written([second!])] })).toContain(first!.signature);
});

test('an endpoint that is no URL is found out before anybody dials it', async () => {
  const folder = temporaryFolder();
  await createCouncil(folder, { keys: 1, threshold: 1 });
  const code = 'XA' as JurisdictionCode;
  const keys = await generateNodeKeys(code, 'localhost', Date.now());
  const enrolment = (endpoint: string): string =>
    signEnrolment({ ...statementOf(code, keys, Date.now()), endpoint }, keys.certificates.tls, provesWith(keys));
  for (const endpoint of ['wss://xa.example:99999/federation', 'wss://[::1/federation', 'wss://xa%.example/federation'])
    await expect(enrolMember(folder, enrolment(endpoint))).rejects.toMatchObject({
      code: 'NODE_ENROLMENT_REFUSED',
      message: expect.stringContaining(endpoint) as string,
    });
  // A node that only dials out has none.
  expect((await enrolMember(folder, enrolment(''))).members).toHaveLength(1);
});

test('changes and signatures that are made at the same time are all kept', async () => {
  const folder = temporaryFolder();
  const { council } = await createCouncil(folder, { keys: 3, threshold: 3 });
  const codes = ['XA', 'XB', 'XC', 'XD'] as JurisdictionCode[];
  const enrolments = await Promise.all(
    codes.map(async (code) => {
      const keys = await generateNodeKeys(code, 'Ministry', Date.now());
      return signEnrolment(statementOf(code, keys, Date.now()), keys.certificates.tls, provesWith(keys));
    }),
  );
  await Promise.all(enrolments.map((enrolment) => enrolMember(folder, enrolment)));
  const { members } = await amendDraft(folder, (draft) => draft);
  expect(members.map(({ code }) => code).sort()).toEqual(codes);
  await Promise.all(
    council.keys.map((_, i) => signDraft(folder, { keyFiles: [join(folder, `council-${i + 1}.key`)] })),
  );
  expect(await verifySigned(folder)).toMatchObject({ ok: true });
  expect(readdirSync(folder).filter((name) => name.startsWith('.lock'))).toEqual([]);
});

test('what a killed command left of its turn is taken away, and another’s is waited for', async () => {
  const folder = temporaryFolder();
  const lock = join(folder, '.lock');
  await createCouncil(folder, { keys: 1, threshold: 1 });
  const holder = (change: object): string =>
    JSON.stringify({ host: hostname(), pid: process.pid, turn: 'a', ...change });
  const { pid } = spawnSync(process.execPath, ['--version']);
  // A process that is no more, and one before this one that had its number.
  for (const left of [holder({ pid }), holder({})]) {
    writeFileSync(lock, left);
    const seen = await Promise.all(['b', 'c', 'd'].map((name) => aloneIn(folder, () => Promise.resolve(name), 60_000)));
    expect(seen).toEqual(['b', 'c', 'd']);
    expect(existsSync(lock)).toBe(false);
  }
  // Of another machine it is not known whether it is still at work; half a file says nothing.
  for (const busy of [holder({ host: 'elsewhere', pid }), '{"host"', holder({ pid: process.ppid })]) {
    writeFileSync(lock, busy);
    const waiting = aloneIn(folder, () => Promise.resolve(), 0);
    await expect(waiting).rejects.toMatchObject({
      code: 'NODE_FOLDER_BUSY',
      message: expect.stringContaining(lock) as string,
    });
    expect(readFileSync(lock, 'utf8')).toBe(busy);
  }
});
