/** What a thief of the disk gets: nothing, once the data key is under a passphrase. */
import { appendFileSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { expect, test } from 'vitest';
import { parseBase64, systemClock, type JurisdictionCode } from '../../src/base/mod.ts';
import { backupOf, createLog, keyDesk, keysAt, rewrapKeyring, type Log, type Node } from '../../src/node/mod.ts';
import { openSecret, unwrapDataKey } from '../../src/store/mod.ts';
import { KEY_USES, encodePrivateKey } from '../../src/trust/mod.ts';
import { requestDraft } from '../kit/drafts.ts';
import { caseUnderExecution, exhibit, noise } from '../kit/evidence.ts';
import { copyTestFederation, startNode, until } from '../kit/federation.ts';
import { readPrivateKeys } from '../kit/keys.ts';
import { makeNextKey, publishDraft } from '../kit/rotation.ts';

const XB = 'XB' as JurisdictionCode;
const CANARY = 'quokka-7f31-lighthouse-Überweisung';

/** Every way in which bytes may stand in a file. */
function spellings(secret: Uint8Array): Buffer[] {
  const bytes = Buffer.from(secret);
  const texts = [bytes.toString('hex'), bytes.toString('base64').replace(/=+$/, ''), bytes.toString('base64url')];
  return [bytes, ...texts.map((text) => Buffer.from(text, 'latin1'))];
}

/** The files of a folder that hold one of these secrets. */
function filesWith(folder: string, secrets: readonly Uint8Array[]): string[] {
  const needles = secrets.flatMap(spellings);
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return files
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => {
      const bytes = readFileSync(path);
      return needles.some((needle) => bytes.includes(needle));
    });
}

/** The private keys of a folder that were made after the first ones, opened as their owner opens them. */
function laterSecrets(dir: string, passphrase: string): Uint8Array[] {
  const folder = join(dir, 'keys');
  const dataKey = unwrapDataKey(readFileSync(join(folder, 'data-key.json'), 'utf8'), passphrase);
  const names = readdirSync(folder).flatMap((file) => /^(?:[a-z]+)-[0-9a-f]{16}(?=\.key$)/.exec(file)?.[0] ?? []);
  expect(names.map((name) => name.split('-')[0]).sort()).toEqual([...KEY_USES, 'kem', 'kem'].sort());
  return names.flatMap((name) => {
    const secret = openSecret(dataKey, name, readFileSync(join(folder, `${name}.key`)));
    return [secret, secret.subarray(-32)];
  });
}

/** A log at its most talkative, in the node's own folder. */
function logInto(dir: string): Log {
  return createLog('debug', systemClock, (line) => {
    appendFileSync(join(dir, 'log'), line);
  });
}

/** A file whose content and name are the canary, sent and kept at both nodes. */
async function sendEvidence(a: Node, b: Node): Promise<void> {
  const caseId = await caseUnderExecution(a, b);
  const { evidence } = b.exchange;
  await evidence.putItem(caseId, exhibit('e1'));
  const label = { case_id: caseId, name: `${CANARY}.bin`, media_type: 'application/octet-stream' };
  const { file_id: id } = await evidence.add(content(), label);
  await evidence.addToItem(caseId, 'e1', [id]);
  const transfer = { items: [{ item_id: 'e1' }], measure_ids: ['m1'], more_to_follow: true };
  const draft = evidence.drafting({ case_id: caseId, evidence_transfer: transfer }, a.config.code);
  await b.exchange.send(draft, a.config.code);
  await until(async () => (await a.exchange.evidence.list()).some(({ verified_at: at }) => at !== undefined), 60_000);
}

async function* content(): AsyncIterable<Uint8Array> {
  yield noise(300_000);
  yield Buffer.from(CANARY);
}

test('T22: after a run under a passphrase the disk holds no content, no private key and no data key', async () => {
  const federation = await copyTestFederation(['XA', 'XB']);
  const dirs = ['XA', 'XB'].map((code) => federation.dirOf(code));
  const passphrases = ['a passphrase of node 0', 'a passphrase of node 1'];
  const secrets: Uint8Array[] = [Buffer.from(CANARY)];
  for (const [i, dir] of dirs.entries()) {
    const { certificates: _certificates, kem, ...keys } = readPrivateKeys(join(dir, 'keys'));
    // The whole encoding, and the part of it that is the secret.
    secrets.push(...Object.values(keys).flatMap((key) => [encodePrivateKey(key), encodePrivateKey(key).subarray(-32)]));
    secrets.push(kem!, kem!.subarray(0, 32), kem!.subarray(32));
    const wrapped = JSON.parse(readFileSync(join(dir, 'keys', 'data-key.json'), 'utf8')) as { readonly key: string };
    const dataKey = parseBase64(wrapped.key);
    // Without a passphrase the data key is there to be found: the search is one that finds.
    expect(filesWith(dir, [dataKey])).toEqual([join(dir, 'keys', 'data-key.json')]);
    secrets.push(dataKey);
    await rewrapKeyring(join(dir, 'keys'), undefined, passphrases[i]);
  }
  secrets.push(...passphrases.map((passphrase) => Buffer.from(passphrase)));
  const [a, b] = [
    await startNode(federation, 'XA', { passphrase: passphrases[0], log: logInto(dirs[0]!) }),
    await startNode(federation, 'XB', { passphrase: passphrases[1], log: logInto(dirs[1]!) }),
  ];
  const sent = await a.exchange.send(requestDraft(`Invented: ${CANARY}.`), XB);
  expect((await a.exchange.answerOf(sent.message_id, 60_000)).status).toBe('RECEIVED');
  expect(JSON.stringify(await b.exchange.message(sent.message_id))).toContain(CANARY);
  await sendEvidence(a, b);
  // Keys that are made while the node runs under its passphrase.
  for (const use of KEY_USES) await makeNextKey(federation, b, use);
  await publishDraft(federation, b);
  await until(() => keysAt(keyDesk(b)).filter(({ state }) => state === 'former').length === KEY_USES.length, 60_000);
  await writeFile(join(dirs[1]!, 'backup'), Readable.from(backupOf(b.config, b.storage.records())));
  await a.stop();
  await b.stop();
  secrets.push(...laterSecrets(dirs[1]!, passphrases[1]!));
  for (const dir of dirs) {
    // All of a node is there to be searched, what it logged included.
    expect(readdirSync(dir)).toEqual(expect.arrayContaining(['evidence', 'head', 'keys', 'ledger', 'log', 'store']));
    expect(readFileSync(join(dir, 'log'), 'utf8')).toContain('exchange.evidence_');
    expect(filesWith(dir, secrets)).toEqual([]);
    writeFileSync(join(dir, 'planted'), `x${Buffer.from(CANARY).toString('base64')}x`);
    expect(filesWith(dir, secrets)).toEqual([join(dir, 'planted')]);
  }
}, 240_000);

test('the data key opens under the newest passphrase and no other', async () => {
  const federation = await copyTestFederation(['XA', 'XB']);
  const keys = join(federation.dirOf('XA'), 'keys');
  const before = readdirSync(keys).sort();
  await rewrapKeyring(keys, undefined, 'first');
  await expect(rewrapKeyring(keys, undefined, 'second')).rejects.toMatchObject({ code: 'STORE_PASSPHRASE_NEEDED' });
  await expect(rewrapKeyring(keys, 'wrong', 'second')).rejects.toMatchObject({ code: 'STORE_PASSPHRASE_WRONG' });
  await rewrapKeyring(keys, 'first', 'second');
  await expect(rewrapKeyring(keys, 'first', 'third')).rejects.toMatchObject({ code: 'STORE_PASSPHRASE_WRONG' });
  // Nothing of the exchange of passphrases is left behind.
  expect(readdirSync(keys).sort()).toEqual(before);
}, 240_000);
