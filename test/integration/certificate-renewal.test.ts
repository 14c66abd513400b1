/** F10: a TLS certificate that ends within seconds: the node makes the next one itself, shows it without a restart, and nothing stops. */
import { X509Certificate } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { expect, test } from 'vitest';
import type { JurisdictionCode } from '../../src/base/mod.ts';
import { nodePaths } from '../../src/config/mod.ts';
import { issueTlsCertificate } from '../../src/trust/mod.ts';
import { copyTestFederation, freePort, startNode, until, type TestFederation } from '../kit/federation.ts';
import { readPrivateKeys } from '../kit/keys.ts';
import { traffic } from '../kit/traffic.ts';

const [XA, XB] = ['XA' as JurisdictionCode, 'XB' as JurisdictionCode];
const DAY_MS = 24 * 3_600_000;
const LIFETIME_MS = 10_000;

/** Gives a node a certificate that ends soon; returns when. */
function shorten(federation: TestFederation, code: JurisdictionCode): number {
  const { keys } = nodePaths(federation.dirOf(code));
  const { ca, tls } = readPrivateKeys(keys);
  const options = { code, host: '127.0.0.1', nowMs: Date.now(), ca, tls, lifetimeMs: LIFETIME_MS };
  const pem = issueTlsCertificate(options);
  writeFileSync(join(keys, 'tls.pem'), pem);
  return endOf(new X509Certificate(pem));
}

function endOf({ validTo }: X509Certificate): number {
  return Date.parse(validTo);
}

/** When the certificate ends that whoever connects is shown. */
function shownOn(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, rejectUnauthorized: false }, () => {
      const { raw } = socket.getPeerCertificate();
      socket.destroy();
      resolve(endOf(new X509Certificate(raw)));
    });
    socket.once('error', reject);
  });
}

test('both nodes renew under continuous traffic: nothing lost, nothing refused, and the old certificates are of the past', async () => {
  const federation = await copyTestFederation([XA, XB]);
  const ledgerPort = await freePort();
  const path = nodePaths(federation.dirOf(XB)).config;
  const config = JSON.parse(readFileSync(path, 'utf8')) as object;
  writeFileSync(path, JSON.stringify({ ...config, ledger_listen: { host: '127.0.0.1', port: ledgerPort } }));
  const ends = [shorten(federation, XA), shorten(federation, XB)];
  const [a, b] = [await startNode(federation, XA), await startNode(federation, XB)];
  const kids = [a, b].map((node) => node.ownKeys.current.tls.kid);
  const flows = [traffic(a, XB), traffic(b, XA)];
  const isRenewed = (end: number | undefined): boolean => (end ?? 0) > Date.now() + 300 * DAY_MS;
  // Each is shown the other's new one in its session, and so is whoever reads the ledger.
  for (const node of [a, b])
    await until(() => node.transport.peerCertificates().some((shown) => isRenewed(endOf(shown.certificate))), 120_000);
  await until(async () => isRenewed(await shownOn(ledgerPort)), 60_000);
  await until(() => Date.now() > Math.max(...ends), 60_000);
  const [fromA, fromB] = await Promise.all(flows.map((flow) => flow.stop()));
  await until(async () => (await a.exchange.backlog(XB)).count + (await b.exchange.backlog(XA)).count === 0, 120_000);

  expect(fromA! + fromB!).toBeGreaterThan(2);
  for (const node of [a, b]) {
    const messages = await node.exchange.messages({ limit: 100_000 });
    expect(messages).toHaveLength(fromA! + fromB!);
    expect(messages.filter(({ status }) => status !== 'RECEIVED')).toEqual([]);
  }
  // The key is the one of before: a renewal needs nobody's leave.
  expect([a, b].map((node) => node.ownKeys.current.tls.kid)).toEqual(kids);
  expect(a.exchange.manifest.version).toBe(1);
}, 300_000);
