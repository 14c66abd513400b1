/** The certificate of a TLS key, renewed by the built-in authority. */
import { X509Certificate } from 'node:crypto';
import { expect, test } from 'vitest';
import type { JurisdictionCode } from '../../src/base/mod.ts';
import { loadNodeConfig, nodePaths } from '../../src/config/mod.ts';
import { readKeyring } from '../../src/node/keyring.ts';
import { spkiSha256 } from '../../src/trust/mod.ts';
import { copyTestFederation } from '../kit/federation.ts';

const DAY_MS = 24 * 3_600_000;

test('a renewed certificate is for the same key, by the same authority, runs longer, and is what a restart finds', async () => {
  const federation = await copyTestFederation(['XA']);
  const config = loadNodeConfig(nodePaths(federation.dirOf('XA')).config, {});
  const { keys } = await readKeyring(config, undefined);
  const before = keys.tls[0]!;
  const subject = { code: 'XA' as JurisdictionCode, host: '127.0.0.1', nowMs: Date.now() + 300 * DAY_MS };
  expect(await keys.renewCertificate('of no key', subject)).toBeUndefined();
  const renewed = (await keys.renewCertificate(before.kid, subject))!;
  const [old, now] = [new X509Certificate(before.certificate), new X509Certificate(renewed.certificate)];
  expect([renewed.kid, spkiSha256(now)]).toEqual([before.kid, before.kid]);
  expect(now.verify(new X509Certificate(keys.authority).publicKey)).toBe(true);
  expect(Date.parse(now.validTo) - Date.parse(old.validTo)).toBeGreaterThan(299 * DAY_MS);
  expect(now.subjectAltName).toBe(old.subjectAltName);
  expect((await readKeyring(config, undefined)).keys.tls.map(({ certificate }) => certificate)).toEqual([
    renewed.certificate,
  ]);
});
