import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { nodePaths } from '../../src/config/mod.ts';
import { certificatesIn, verifyManifest, verifyPeerCertificate } from '../../src/trust/mod.ts';
import { copyTestFederation } from '../kit/federation.ts';

test('a certificate is judged by the manifest of the moment, however often it was judged before', async () => {
  const federation = await copyTestFederation(['XA', 'XB']);
  const verified = verifyManifest(federation.manifest, { selfSigned: true });
  if (!verified.ok) throw new Error(verified.detail);
  const { manifest } = verified.value;
  const pem = readFileSync(join(nodePaths(federation.dirOf('XB')).keys, 'tls.pem'), 'utf8');
  const certificate = certificatesIn(pem)[0];
  const nowMs = Date.now();
  const [other, own] = ['XA', 'XB'].map((code) => manifest.members.find((member) => member.code === code)!.tls);
  const under = (tls: object, atMs = nowMs): string => {
    const members = manifest.members.map((member) =>
      member.code === 'XB' ? { ...member, tls: { ...member.tls, ...tls } } : member,
    );
    const verdict = verifyPeerCertificate(certificate, { ...manifest, members }, atMs);
    return verdict.ok ? verdict.value : verdict.reason;
  };
  for (let round = 0; round < 2; round++) {
    expect(under({})).toBe('XB');
    expect(under({ ca: other!.ca })).toBe('CERTIFICATE_WRONG_ISSUER');
    expect(under({ spki_sha256: other!.spki_sha256 })).toBe('CERTIFICATE_NOT_PINNED');
    expect(under({}, own!.spki_sha256[0]!.not_after + 86_400_000)).toBe('CERTIFICATE_NOT_PINNED');
  }
});
