/** The council's work on the draft of the next manifest. */
import { isJurisdictionCode, isoTime, parseJurisdictionCode, type JurisdictionCode } from '../../base/mod.ts';
import { loadPassphrase } from '../../config/mod.ts';
import {
  OVERLAP_DAYS,
  amendDraft,
  enrolMember,
  fingerprintOf,
  signDraft,
  signedManifestPath,
  updateMember,
  verifySigned,
} from '../../node/mod.ts';
import {
  fingerprintDigits,
  memberByCode,
  revokeKey,
  setMemberStatus,
  setMinimumSuite,
  type MemberStatus,
} from '../../trust/mod.ts';
import type { Arguments, Command } from '../command.ts';
import { CliError } from '../error.ts';
import { readInput } from '../files.ts';
import { statementDigits } from '../manifest-lines.ts';
import { COUNCIL_FOLDER, listOf } from './federation-council.ts';

export const federationAdd: Command = {
  name: 'federation add',
  summary:
    'add jurisdictions to the manifest’s draft, or a member’s new keys, checking that each holds the keys it enrols',
  operands: 'ENROLMENT.json|KEY-UPDATE.json…',
  options: {
    dir: COUNCIL_FOLDER,
    overlap: { value: 'DAYS', help: `how long a member’s old keys still count; ${OVERLAP_DAYS} by default` },
  },
  details: 'Compare the fingerprint with the one that “rogatory init” printed to the jurisdiction, over the telephone.',
  async run(args, io) {
    if (args.operands.length === 0) throw new CliError('CLI_USAGE', 'Give at least one enrolment.');
    const overlapDays = args.integer('overlap', OVERLAP_DAYS, 3650);
    const added: { readonly code: string; readonly digits: string; readonly use?: string }[] = [];
    for (const path of args.operands) {
      const text = (await readInput(path, 1_000_000)).toString('utf8');
      const dir = args.text('dir', '.');
      const update = keyUpdateIn(text);
      if (update !== undefined) await updateMember(dir, text);
      else await enrolMember(dir, text, undefined, overlapDays);
      const statement = update ?? (JSON.parse(text) as { readonly statement: string }).statement;
      const use = update === undefined ? {} : { use: (JSON.parse(update) as { readonly use: string }).use };
      added.push({ code: codeIn(statement), digits: statementDigits(statement), ...use });
    }
    io.result({ ok: true, added: added.map(({ code }) => code), fingerprints: added }, [
      ...added.map(({ code, digits }) => `${code}  ${digits}`),
      `Added ${added.map(({ code, use }) => (use === undefined ? code : `the next ${use} key of ${code}`)).join(', ')}.`,
      'Next: “rogatory federation sign”.',
    ]);
    return 0;
  },
};

export const federationRemove = statusCommand('remove', 'LEFT', 'a member leaves; it stays listed for auditors');
export const federationSuspend = statusCommand(
  'suspend',
  'SUSPENDED',
  'a member takes no part until it is reactivated',
);
export const federationReactivate = statusCommand('reactivate', 'ACTIVE', 'a suspended member takes part again');

export const federationMinimum: Command = {
  name: 'federation minimum',
  summary: 'say the least suite that messages are sealed in: everybody’s, or those to and from one member',
  operands: '[CODE]',
  options: {
    dir: COUNCIL_FOLDER,
    suite: { value: 'N', help: '1 (X25519) or 2 (ML-KEM-768 and X25519 together)', required: true },
  },
  details:
    'Refused while a member that it concerns has no key for the suite; “rogatory keys rotate encrypt” makes one.\n' +
    'Messages that were queued before the new version was made are still received as they are.',
  async run(args, io) {
    const [operand, ...more] = args.operands;
    if (more.length > 0) throw new CliError('CLI_USAGE', 'Give at most one member’s code.');
    const code = operand === undefined ? undefined : readCode(operand);
    const suite = args.integer('suite', 0, 2);
    if (suite !== 1 && suite !== 2) throw new CliError('CLI_USAGE', '--suite must be 1 or 2.');
    const draft = await amendDraft(args.text('dir', '.'), (current, nowMs) =>
      setMinimumSuite(current, code, suite, nowMs),
    );
    const whose = code === undefined ? 'all messages' : `messages to and from ${code}`;
    io.result({ ok: true, version: draft.version, ...(code === undefined ? {} : { code }), suite }, [
      `In version ${draft.version} ${whose} are sealed in suite ${suite} at least.`,
      'Next: “rogatory federation sign”.',
    ]);
    return 0;
  },
};

export const federationRevoke: Command = {
  name: 'federation revoke',
  summary: 'revoke a member’s key from a time on',
  operands: 'CODE KID',
  options: {
    dir: COUNCIL_FOLDER,
    at: {
      value: 'TIME',
      help: 'from when on it is not to be believed: ISO 8601, or Unix milliseconds; now by default',
    },
    reason: { value: 'TEXT', help: 'why, for the manifest', required: true },
  },
  details:
    'KID is the name of a signing or encryption key, the SHA-256 of a TLS key, as “federation show” lists them, or its first eight characters or more;\n' +
    'or the eight hexadecimal digits in the middle of a ledger’s or witness’s key.\n' +
    'A time in the past is right when the key was stolen before anybody noticed.',
  async run(args, io) {
    const [code, kid, ...more] = args.operands;
    if (code === undefined || kid === undefined || more.length > 0)
      throw new CliError('CLI_USAGE', 'Give the member’s code and the key’s name.');
    const atMs = readTime(args.optional('at'));
    const reason = args.text('reason');
    const draft = await amendDraft(args.text('dir', '.'), (current, nowMs) =>
      revokeKey(current, readCode(code), kid, { atMs, reason }, nowMs),
    );
    io.result({ ok: true, version: draft.version, code: readCode(code), kid, revoked_at: isoTime(atMs) }, [
      `Version ${draft.version} revokes ${kid} of ${readCode(code)} from ${isoTime(atMs)} on.`,
      'Next: “rogatory federation sign” and “rogatory federation publish”, at once.',
    ]);
    return 0;
  },
};

export const federationSign: Command = {
  name: 'federation sign',
  summary: 'sign the draft, and gather others’ signatures over it',
  operands: '[SIGNED.json…]',
  options: {
    dir: COUNCIL_FOLDER,
    key: { value: 'FILE,…', help: 'private key files; by default every council key in the folder' },
  },
  details:
    'SIGNED.json are files with other members’ signatures over the same draft, which are added.\n' +
    'A key under a passphrase is opened with ROGATORY_PASSPHRASE or ROGATORY_PASSPHRASE_FILE.\n' +
    'Exits 1 while signatures are missing.',
  async run(args, io) {
    const dir = args.text('dir', '.');
    const keys = args.optional('key');
    const signed = await Promise.all(
      args.operands.map(async (path) => (await readInput(path, 1_000_000)).toString('utf8')),
    );
    await signDraft(dir, {
      ...(keys === undefined ? {} : { keyFiles: listOf(keys, 'key') }),
      passphrase: loadPassphrase(process.env),
      signed,
    });
    const verified = await verifySigned(dir);
    const path = signedManifestPath(dir);
    if (!verified.ok) {
      io.result({ ok: false, manifest: path, missing: verified.detail }, [
        `Signed ${path}, but it needs more: ${verified.detail}.`,
      ]);
      return 1;
    }
    const { manifest, digest } = verified.value;
    const fingerprint = fingerprintOf(verified.value);
    io.result({ ok: true, manifest: path, version: manifest.version, fingerprint, digits: fingerprintDigits(digest) }, [
      `Signed version ${manifest.version}: ${path}`,
      `Fingerprint: ${fingerprint}`,
      `In digits:   ${fingerprintDigits(digest)}`,
      'Next: announce the fingerprint out of band, and “rogatory federation publish” the manifest to each node.',
    ]);
    return 0;
  },
};

function statusCommand(verb: string, status: MemberStatus, summary: string): Command {
  return {
    name: `federation ${verb}`,
    summary,
    operands: 'CODE',
    options: { dir: COUNCIL_FOLDER },
    async run(args: Arguments, io) {
      const code = readCode(args.operand('member’s code'));
      const draft = await amendDraft(args.text('dir', '.'), (current, nowMs) => {
        if (memberByCode(current, code)?.status === status)
          throw new CliError('CLI_USAGE', `${code} is ${status.toLowerCase()} already.`);
        return setMemberStatus(current, code, status, nowMs);
      });
      io.result({ ok: true, version: draft.version, code, status }, [
        `In version ${draft.version} ${code} is ${status.toLowerCase()}.`,
        'Next: “rogatory federation sign”.',
      ]);
      return 0;
    },
  };
}

function readCode(text: string): JurisdictionCode {
  const code = text.toUpperCase();
  if (!isJurisdictionCode(code)) throw new CliError('CLI_USAGE', `“${text}” is not a jurisdiction code.`);
  return parseJurisdictionCode(code);
}

function readTime(text: string | undefined): number {
  if (text === undefined) return Date.now();
  const isIso = /^\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}(:\d{2}(\.\d{1,3})?)?(Z|[+-]\d{2}:\d{2}))?$/.test(text);
  const time = /^\d{1,15}$/.test(text) ? Number(text) : isIso ? Date.parse(text) : NaN;
  if (!Number.isSafeInteger(time))
    throw new CliError('CLI_USAGE', '--at must be such as 2026-03-31T14:00:00Z, or Unix milliseconds.');
  return time;
}

/** What a key update says, if it is one. */
function keyUpdateIn(text: string): string | undefined {
  try {
    const { update } = JSON.parse(text) as { readonly update?: unknown };
    return typeof update === 'string' ? update : undefined;
  } catch {
    return undefined;
  }
}

function codeIn(statement: string): string {
  return (JSON.parse(statement) as { readonly code: string }).code;
}
