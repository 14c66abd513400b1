/** Reads a manifest, or what one member or one council key says of itself: every fault at once, and one spelling alone. */
import { bytesToJwk, ed25519KeyWeakness, jwkThumbprint, parseUtf8, type OkpJwk, type Suite } from '../base/mod.ts';
import { KEY_TYPES, parseVerifierKey } from '../ledger/mod.ts';
import type { Fault } from '../wire/mod.ts';
import { TrustError } from './error.ts';
import { JsonReader } from './json-reader.ts';
import type { EncryptKey, KeyValidity, Manifest, MemberKey, MemberStatement, NoteKey } from './manifest.ts';

const STATEMENT = [
  'code',
  'name',
  'authority',
  'endpoint',
  'tls',
  'sign',
  'encrypt',
  'ledger',
  'witness',
  'limits',
  'minimums',
] as const;
const VALIDITY = ['not_before', 'not_after', 'revoked_at', 'reason'] as const;
const KEYS = { min: 1, max: 32 };
// C2SP signed-note has a name be a URL without its scheme.
const SCHEMELESS = { pattern: /^(?!.*:\/\/)/, wants: 'a URL without its scheme' };

/**
 * Reads a manifest's payload; its signatures are another matter.
 * @throws {TrustError} TRUST_MALFORMED with every fault
 */
export function parseManifest(payload: Uint8Array): Manifest {
  return parseWith(payload, 'The manifest', (json, faults) => {
    const root = new JsonReader(json, '', faults, [
      'version',
      'issued_at',
      'expires_at',
      'council',
      'minimums',
      'members',
    ]);
    const council = root.object('council', ['threshold', 'keys']);
    const minimums = root.object('minimums', ['protocol', 'suite']);
    const manifest: Manifest = {
      version: root.integer('version', 1),
      issued_at: root.integer('issued_at', 1),
      expires_at: root.integer('expires_at', 1),
      council: {
        threshold: council.integer('threshold', 1, KEYS.max),
        keys: council.list('keys', KEYS, ['kid', 'jwk', ...VALIDITY], (item) => readKey(item, 'Ed25519')),
      },
      minimums: { protocol: minimums.integer('protocol', 1), suite: readSuite(minimums) },
      members: root.list('members', { min: 0, max: 1000 }, [...STATEMENT, 'status'], (item) => ({
        ...readStatement(item),
        status: item.choice('status', ['ACTIVE', 'SUSPENDED', 'LEFT']),
      })),
    };
    if (manifest.expires_at <= manifest.issued_at) root.fault('expires_at', 'OUT_OF_RANGE', 'must be after issued_at');
    if (manifest.council.threshold > manifest.council.keys.length) {
      council.fault('threshold', 'OUT_OF_RANGE', 'is more than there are keys');
    }
    uniqueFaults(manifest, root);
    return manifest;
  });
}

/**
 * Reads what a member says of itself.
 * @throws {TrustError} TRUST_MALFORMED with every fault
 */
export function parseMemberStatement(bytes: Uint8Array): MemberStatement {
  return parseWith(bytes, 'The enrolment', (json, faults) =>
    readStatement(new JsonReader(json, '', faults, STATEMENT)),
  );
}

/**
 * Reads the public part of a council key, as its holder hands it to the council.
 * @throws {TrustError} TRUST_MALFORMED with every fault
 */
export function parseMemberKey(bytes: Uint8Array): MemberKey {
  return parseWith(bytes, 'The council key', (json, faults) =>
    readKey(new JsonReader(json, '', faults, ['kid', 'jwk', ...VALIDITY]), 'Ed25519'),
  );
}

function parseWith<T>(bytes: Uint8Array, what: string, read: (json: unknown, faults: Fault[]) => T): T {
  let json: unknown;
  let isCanonical: boolean;
  try {
    const text = parseUtf8(bytes);
    json = JSON.parse(text);
    // What nests deeper than the stack is caught here as well: JSON.stringify is recursive.
    isCanonical = JSON.stringify(json) === text;
  } catch (cause) {
    throw new TrustError('TRUST_MALFORMED', `${what} is not JSON.`, { cause });
  }
  // A member given twice, or a number with two spellings, is read differently by different readers.
  if (!isCanonical) throw new TrustError('TRUST_MALFORMED', `${what} is not in its canonical JSON form.`);
  const faults: Fault[] = [];
  const value = read(json, faults);
  if (faults.length > 0) {
    const list = faults.map(({ path, message }) => `${path} ${message}`).join('; ');
    throw new TrustError('TRUST_MALFORMED', `${what}: ${list}.`, { faults });
  }
  return value;
}

function readStatement(item: JsonReader): MemberStatement {
  const tls = item.object('tls', ['ca', 'spki_sha256']);
  const limits = item.object('limits', ['max_message_bytes', 'max_evidence_bytes']);
  const ledger = item.object('ledger', ['origin', 'vkey', 'keys']);
  const witness = item.object('witness', ['name', 'vkey', 'keys']);
  return {
    code: item.code('code'),
    // People tell members apart by these two: a forged look-alike is refused before it can be shown to anybody.
    name: item.text('name', { format: 'name' }),
    authority: item.text('authority', { format: 'name' }),
    endpoint: item.text('endpoint', {
      empty: true,
      pattern: /^wss:\/\/[^/?#@\s]+\/federation$/,
      wants: 'a wss: URL that ends in /federation, or empty',
    }),
    tls: {
      ca: tls.base64('ca', 8192),
      spki_sha256: tls.list('spki_sha256', KEYS, ['sha256', ...VALIDITY], (pin) => ({
        sha256: pin.digest('sha256'),
        ...readValidity(pin),
      })),
    },
    sign: item.list('sign', KEYS, ['kid', 'jwk', ...VALIDITY], (key) => readKey(key, 'Ed25519')),
    encrypt: item.list('encrypt', KEYS, ['kid', 'jwk', 'mlkem768', ...VALIDITY], readEncryptKey),
    ledger: {
      origin: ledger.text('origin', SCHEMELESS),
      ...readNoteKeys(ledger, ledger.text('origin'), KEY_TYPES.ed25519),
    },
    witness: {
      name: witness.text('name', SCHEMELESS),
      ...readNoteKeys(witness, witness.text('name'), KEY_TYPES.cosignature),
    },
    limits: {
      max_message_bytes: limits.integer('max_message_bytes', 4096, 524_288),
      max_evidence_bytes: limits.integer('max_evidence_bytes'),
    },
    ...(item.has('minimums') ? { minimums: { suite: readSuite(item.object('minimums', ['suite'])) } } : {}),
  };
}

function readKey(item: JsonReader, crv: OkpJwk['crv']): MemberKey {
  const jwk = item.jwk('jwk', crv);
  return { kid: item.kid('kid', jwk), jwk, ...readValidity(item) };
}

function readEncryptKey(item: JsonReader): EncryptKey {
  const { kid, jwk, ...validity } = readKey(item, 'X25519');
  return { kid, jwk, ...(item.has('mlkem768') ? { mlkem768: item.mlKemKey('mlkem768') } : {}), ...validity };
}

/** A suite that is not known here cannot be used here: such a manifest is for newer nodes. */
function readSuite(item: JsonReader): Suite {
  return item.integer('suite', 1, 2) as Suite;
}

function readValidity(item: JsonReader): KeyValidity {
  const validity = { not_before: item.integer('not_before'), not_after: item.integer('not_after') };
  if (validity.not_after <= validity.not_before) item.fault('not_after', 'OUT_OF_RANGE', 'must be after not_before');
  return {
    ...validity,
    ...(item.has('revoked_at') ? { revoked_at: item.integer('revoked_at') } : {}),
    ...(item.has('reason') ? { reason: item.text('reason') } : {}),
  };
}

/** The newest key, and all of them where there are several. */
function readNoteKeys(
  item: JsonReader,
  name: string,
  type: number,
): { readonly vkey: string; readonly keys?: readonly NoteKey[] } {
  const vkey = readVkey(item, name, type);
  if (!item.has('keys')) return { vkey };
  const keys = item.list('keys', KEYS, ['vkey', ...VALIDITY], (key) => ({
    vkey: readVkey(key, name, type),
    ...readValidity(key),
  }));
  const ordered = keys.every((key, i) => i === 0 || key.not_before > keys[i - 1]!.not_before);
  if (!ordered) item.fault('keys', 'CONFLICT', 'must be in the order in which they begin');
  if (keys.at(-1)?.vkey !== vkey) item.fault('keys', 'CONFLICT', 'must end with vkey');
  return { vkey, keys };
}

function readVkey(item: JsonReader, name: string, type: number): string {
  const text = item.text('vkey');
  try {
    const key = parseVerifierKey(text);
    if (key.name !== name) item.fault('vkey', 'CONFLICT', `is not named ${name}`);
    if (key.type !== type) item.fault('vkey', 'BAD_VALUE', `must be of type ${type}`);
    item.weakness('vkey', ed25519KeyWeakness(key.publicKey));
  } catch {
    item.fault('vkey', 'BAD_FORMAT', 'must be a verifier key');
  }
  return text;
}

/** One code one member; and no key twice, or a signature would have two owners. */
function uniqueFaults({ council, members }: Manifest, root: JsonReader): void {
  const seen = new Map<string, string>();
  const claim = (id: string | undefined, path: string): void => {
    if (id === undefined) return;
    const first = seen.get(id);
    if (first !== undefined) root.fault(path, 'CONFLICT', `is the same as ${first}`);
    seen.set(id, path);
  };
  council.keys.forEach((key, i) => {
    claim(key.kid, `council.keys[${i}]`);
  });
  members.forEach((member, m) => {
    const at = `members[${m}]`;
    claim(member.code, `${at}.code`);
    claim(member.ledger.origin, `${at}.ledger.origin`);
    for (const use of ['ledger', 'witness'] as const) {
      const { vkey, keys = [{ vkey }] } = member[use];
      for (const key of keys) claim(kidOf(key.vkey), `${at}.${use}.vkey`);
    }
    [...member.sign, ...member.encrypt].forEach((key) => {
      claim(key.kid, `${at}.${key.jwk.crv === 'Ed25519' ? 'sign' : 'encrypt'}`);
    });
    member.encrypt.forEach(({ mlkem768 }) => {
      if (mlkem768 !== undefined) claim(mlkem768, `${at}.encrypt.mlkem768`);
    });
    member.tls.spki_sha256.forEach((pin) => {
      claim(pin.sha256, `${at}.tls.spki_sha256`);
    });
  });
}

/** By the name that a signing key has: a verifier key is called otherwise for every use and origin. Undefined for one that is a fault already. */
function kidOf(vkey: string): string | undefined {
  try {
    return jwkThumbprint(bytesToJwk('Ed25519', parseVerifierKey(vkey).publicKey));
  } catch {
    return undefined;
  }
}
