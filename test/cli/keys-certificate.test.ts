/** Certificates of a national PKI, which OpenSSL plays here, in place of the built-in authority’s. */
import { spawnSync } from 'node:child_process';
import fs, { appendFileSync, cpSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { JurisdictionCode } from '../../src/base/mod.ts';
import { loadNodeConfig, nodePaths } from '../../src/config/mod.ts';
import { readKeyring } from '../../src/node/keyring.ts';
import {
  createCouncil,
  enrolMember,
  fingerprintOf,
  initNode,
  installCertificate,
  installManifest,
  signDraft,
} from '../../src/node/mod.ts';
import { verifyEnrolment, verifyManifest } from '../../src/trust/mod.ts';
import { runCommand } from '../kit/command.ts';
import { requestDraft } from '../kit/drafts.ts';
import { freePort, startNode, type TestFederation } from '../kit/federation.ts';
import { temporaryFolder } from '../kit/folder.ts';

const isThere = spawnSync('openssl', ['version'], { stdio: 'ignore' }).status === 0;
if (!isThere) process.stderr.write('skipped: certificates of a national PKI need the openssl command\n');

const BOTH = 'serverAuth,clientAuth';

/** A PKI in a folder: a root of some kind of key, and perhaps an authority below it. */
class Pki {
  readonly folder: string;

  constructor(folder: string) {
    this.folder = folder;
  }

  at(name: string): string {
    return join(this.folder, name);
  }

  openssl(...args: readonly string[]): void {
    const { status, stderr } = spawnSync('openssl', args, { encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
  }

  root(name: string, keyArgs: readonly string[]): string {
    const args = [
      '-x509',
      '-nodes',
      '-keyout',
      this.at(`${name}.key`),
      '-out',
      this.at(`${name}.pem`),
      '-days',
      '3650',
    ];
    this.openssl(
      'req',
      ...args,
      '-subj',
      `/CN=${name}`,
      '-newkey',
      ...keyArgs,
      '-addext',
      'keyUsage=critical,keyCertSign',
    );
    return this.at(`${name}.pem`);
  }

  intermediate(name: string, issuer: string, days = 398): void {
    const csr = this.at(`${name}.csr`);
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384', '-keyout', this.at(`${name}.key`)];
    this.openssl('req', '-new', '-nodes', ...key, '-out', csr, '-subj', `/CN=${name}`);
    this.issue(name, issuer, csr, 'basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign', days);
  }

  issue(name: string, issuer: string, csr: string, extensions: string, days = 398): string {
    writeFileSync(this.at(`${name}.ext`), extensions);
    const from = ['-CA', this.at(`${issuer}.pem`), '-CAkey', this.at(`${issuer}.key`), '-CAcreateserial'];
    const out = this.at(`${name}.pem`);
    this.openssl(
      'x509',
      '-req',
      '-in',
      csr,
      ...from,
      '-days',
      String(days),
      '-extfile',
      this.at(`${name}.ext`),
      '-out',
      out,
    );
    return out;
  }
}

const leaf = (code: string, use = BOTH): string =>
  `basicConstraints=critical,CA:FALSE\nextendedKeyUsage=${use}\nsubjectAltName=URI:urn:mla:node:${code}`;

async function makeNode(folder: string, code: string): Promise<string> {
  const dir = join(folder, code.toLowerCase());
  const port = await freePort();
  await initNode({
    code: code as JurisdictionCode,
    dir,
    name: code,
    authority: code,
    endpoint: `wss://127.0.0.1:${port}/federation`,
    listen: { host: '127.0.0.1', port },
    origin: `${code.toLowerCase()}.test.example`,
    passphrase: undefined,
  });
  return dir;
}

/** Runs `keys csr`, has OpenSSL issue, and returns what to install. */
async function certified(pki: Pki, dir: string, code: string, keyType: string, issuer: string): Promise<string> {
  const csr = pki.at(`${code}.csr`);
  expect(await runCommand('keys', 'csr', '--node', dir, '--key-type', keyType, '-o', csr)).toMatchObject({ status: 0 });
  pki.openssl('req', '-in', csr, '-noout', '-verify');
  return pki.issue(code, issuer, csr, leaf(code));
}

describe.runIf(isThere)('a national PKI', () => {
  test('P-256 by way of an intermediate authority, and Ed25519: enrolled, connected, and a message received', async () => {
    const folder = temporaryFolder();
    const pki = new Pki(folder);
    const rsaRoot = pki.root('rsa-root', ['rsa:2048']);
    pki.intermediate('middle', 'rsa-root');
    const edRoot = pki.root('ed-root', ['ed25519']);
    const kinds = [
      ['XA', 'p256', 'middle', rsaRoot],
      ['XB', 'ed25519', 'ed-root', edRoot],
    ] as const;
    const council = join(folder, 'council');
    await createCouncil(council, { keys: 1, threshold: 1 });
    for (const [code, type, issuer, root] of kinds) {
      const dir = await makeNode(folder, code);
      const path = await certified(pki, dir, code, type, issuer);
      if (issuer === 'middle')
        writeFileSync(path, readFileSync(pki.at('middle.pem'), 'utf8') + readFileSync(path, 'utf8'));
      const installed = await runCommand('keys', 'install-certificate', '--node', dir, path, '--ca', root, '--json');
      expect(JSON.parse(installed.stdout)).toMatchObject({ ok: true, needs_council: true });
      await enrolMember(council, readFileSync(nodePaths(dir).enrolment, 'utf8'));
    }
    const manifest = await signDraft(council);
    const verified = verifyManifest(manifest, { selfSigned: true });
    if (!verified.ok) throw new Error(verified.detail);
    const dirOf = (code: string): string => join(folder, code.toLowerCase());
    const fingerprint = fingerprintOf(verified.value);
    for (const [code] of kinds) await installManifest(dirOf(code), manifest, fingerprint);
    const federation: TestFederation = { folder, council, manifest, fingerprint, dirOf };
    const nodes = [];
    for (const [code] of kinds) nodes.push(await startNode(federation, code));
    for (const [from, to] of [
      [0, 1],
      [1, 0],
    ] as const) {
      const sent = await nodes[from]!.exchange.send(requestDraft(), kinds[to][0] as JurisdictionCode);
      expect((await nodes[from]!.exchange.answerOf(sent.message_id, 60_000)).status).toBe('RECEIVED');
    }
  }, 240_000);

  test('what peers would refuse is refused before anything is changed; a renewal under the same key needs no council', async () => {
    const folder = temporaryFolder();
    const pki = new Pki(folder);
    const dir = await makeNode(folder, 'XA');
    const root = pki.root('root', ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256']);
    const other = pki.root('other', ['ed25519']);
    const good = await certified(pki, dir, 'XA', 'rsa', 'root');
    const csr = pki.at('XA.csr');
    // The one that signed it, in place of the root above: a peer trusts roots alone.
    pki.intermediate('middle', 'root');
    const [middle, belowMiddle] = [pki.at('middle.pem'), pki.issue('below-middle', 'middle', csr, leaf('XA'))];
    pki.intermediate('ended-middle', 'root', 0);
    const belowEnded = pki.issue('below-ended', 'ended-middle', csr, leaf('XA'));
    appendFileSync(belowEnded, readFileSync(pki.at('ended-middle.pem')));
    const wrong: [string, string, string][] = [
      ['ANOTHER_AUTHORITY', good, other],
      ['ANOTHER_NODE', pki.issue('other-node', 'root', csr, leaf('XB')), root],
      ['ANOTHER_NODE', pki.issue('no-name', 'root', csr, 'basicConstraints=CA:FALSE'), root],
      ['NOT_FOR_TLS', pki.issue('server-only', 'root', csr, leaf('XA', 'serverAuth')), root],
      ['NOT_VALID_NOW', pki.issue('ended', 'root', csr, leaf('XA'), 0), root],
      ['ANOTHER_KEY', root, root],
      ['NO_CERTIFICATE', csr, root],
      ['NOT_A_ROOT', belowMiddle, middle],
      ['NOT_VALID_NOW', belowEnded, root],
    ];
    const before = readdirSync(join(dir, 'keys')).toSorted();
    for (const [reason, path, ca] of wrong) {
      const refused = await runCommand('keys', 'install-certificate', '--node', dir, path, '--ca', ca);
      expect(refused).toMatchObject({
        status: 1,
        stderr: expect.stringContaining(`NODE_CERTIFICATE_REFUSED: The certificate is refused (${reason})`) as string,
      });
    }
    expect(readdirSync(join(dir, 'keys')).toSorted()).toEqual(before);
    const install = async (path: string): Promise<Record<string, unknown>> =>
      JSON.parse(
        (await runCommand('keys', 'install-certificate', '--node', dir, path, '--ca', root, '--json')).stdout,
      ) as Record<string, unknown>;
    const first = await install(good);
    expect(first).toMatchObject({ ok: true, needs_council: true });
    expect((await runCommand('federation', 'show', nodePaths(dir).enrolment)).stdout).toContain(
      'It proves possession of every key.',
    );
    expect(await runCommand('keys', 'csr', '--node', dir, '--same-key', '-o', csr)).toMatchObject({ status: 0 });
    const renewed = await install(pki.issue('renewed', 'root', csr, leaf('XA'), 700));
    expect(renewed).toMatchObject({ ok: true, needs_council: false, kid: first['kid'] });
    // The key of the authority of before is still there, and issues nothing any more.
    const { keys } = await readKeyring(loadNodeConfig(nodePaths(dir).config, {}), undefined);
    const subject = { code: 'XA' as JurisdictionCode, host: '127.0.0.1', nowMs: Date.now() };
    expect(await keys.renewCertificate(first['kid'] as string, subject)).toBeUndefined();
    await expect(keys.make('tls', subject)).rejects.toMatchObject({ code: 'NODE_NO_AUTHORITY' });
    expect((await runCommand('keys', 'csr', '--node', dir, '--key-type', 'dsa', '-o', csr)).status).toBe(2);
  }, 240_000);

  test.each([
    ['a key of its own', false],
    ['the present key', true],
  ] as const)(
    'under %s, whatever step it dies at: the node opens its keys, and the same again completes it',
    async (_, sameKey) => {
      const folder = temporaryFolder();
      const pki = new Pki(folder);
      const first = await makeNode(folder, 'XA');
      const root = pki.root('root', ['ec', '-pkeyopt', 'ec_paramgen_curve:P-256']);
      const csr = pki.at('XA.csr');
      const kind = sameKey ? ['--same-key'] : ['--key-type', 'p256'];
      expect(await runCommand('keys', 'csr', '--node', first, ...kind, '-o', csr)).toMatchObject({ status: 0 });
      const [certificate, authority] = [pki.issue('XA', 'root', csr, leaf('XA')), root].map((path) =>
        readFileSync(path, 'utf8'),
      ) as [string, string];
      let steps = 0;
      for (; ; steps++) {
        const dir = join(folder, `died-${steps}`);
        cpSync(first, dir, { recursive: true });
        const config = loadNodeConfig(nodePaths(dir).config, {});
        const install = (): ReturnType<typeof installCertificate> =>
          installCertificate(config, undefined, { certificate, authority }, Date.now());
        const isDead = await diesAfter(steps, install);
        const afterDeath = await readKeyring(config, undefined);
        expect(afterDeath.keys.tls).toHaveLength(1);
        if (!isDead) break;
        expect(await install()).toMatchObject({ needsCouncil: true });
        const { keys } = await readKeyring(config, undefined);
        const [tls] = keys.tls;
        expect([tls!.certificate, keys.authority]).toEqual([certificate, authority]);
        const enrolled = verifyEnrolment(readFileSync(config.paths.enrolment, 'utf8'));
        expect(enrolled).toMatchObject({ ok: true, value: { tls: { spki_sha256: [{ sha256: tls!.kid }] } } });
      }
      expect(steps).toBeGreaterThan(2);
    },
    240_000,
  );
});

/** Lets so many steps to the disk be, and fails every later one. @returns whether there was a later one */
async function diesAfter(steps: number, work: () => Promise<unknown>): Promise<boolean> {
  const [mkdirSync, unlink] = [fs.mkdirSync, fs.promises.unlink];
  let left = steps;
  const step = (): void => {
    if (left-- <= 0) throw new Error('dead');
  };
  // What replaces a file makes sure of its folder first.
  fs.mkdirSync = (...args: Parameters<typeof mkdirSync>) => (step(), mkdirSync(...args));
  fs.promises.unlink = async (path) => (step(), unlink(path));
  syncBuiltinESMExports();
  try {
    await work();
    return false;
  } catch (error) {
    if ((error as Error).message !== 'dead') throw error;
    return true;
  } finally {
    fs.mkdirSync = mkdirSync;
    fs.promises.unlink = unlink;
    syncBuiltinESMExports();
  }
}
