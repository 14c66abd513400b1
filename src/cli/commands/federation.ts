/** The manifest at the nodes, and for whoever wants to read it. */
import { counted, isoTime, parseBase64url, shellWord, systemClock, utf8ToBytes } from '../../base/mod.ts';
import { ApiClient, ApiError } from '../../client/mod.ts';
import { fingerprintOf, installManifest, requireFingerprint } from '../../node/mod.ts';
import {
  diffManifests,
  fingerprintDigits,
  isFingerprintOf,
  parseManifest,
  verifyEnrolment,
  verifyManifest,
  type Manifest,
  type VerifiedManifest,
} from '../../trust/mod.ts';
import type { Command } from '../command.ts';
import { CliError } from '../error.ts';
import { readInput } from '../files.ts';
import { manifestLines, statementDigits } from '../manifest-lines.ts';

export const federationPublish: Command = {
  name: 'federation publish',
  summary: 'give a node its manifest, whether it is running or not',
  operands: 'MANIFEST.json',
  options: {
    node: { value: 'D', help: 'the node’s folder', required: true },
    fingerprint: {
      value: 'HEX',
      help: 'of this manifest, as announced out of band, in hexadecimal or digits; the first one of a node needs it',
    },
  },
  async run(args, io) {
    const path = args.operand('manifest');
    const dir = args.text('node');
    const text = (await readInput(path, 1_000_000)).toString('utf8');
    const fingerprint = args.optional('fingerprint');
    if (fingerprint !== undefined) requireFingerprint(dir, text, fingerprint);
    const running = await offerToRunning(dir, text);
    if (running !== undefined) {
      io.result({ ok: true, ...running, running: true }, [
        `The running node in ${dir} has version ${running.version} in force.`,
      ]);
      return 0;
    }
    const verified = await installManifest(dir, text, fingerprint);
    const { version } = verified.manifest;
    io.result({ ok: true, version, fingerprint: fingerprintOf(verified), running: false }, [
      `The node in ${dir} starts under version ${version}.`,
      `Next: “rogatory serve --config ${shellWord(`${dir}/node.json`)}”.`,
    ]);
    return 0;
  },
};

async function offerToRunning(
  dir: string,
  manifest: string,
): Promise<{ readonly version: number; readonly fingerprint: string } | undefined> {
  try {
    return await new ApiClient(dir).post('manifest', { manifest });
  } catch (error) {
    if (error instanceof ApiError && error.code === 'API_NODE_NOT_RUNNING') return undefined;
    throw error;
  }
}

export const federationShow: Command = {
  name: 'federation show',
  summary: 'show a manifest, a draft or an enrolment, with its fingerprint',
  operands: 'FILE.json',
  options: {},
  async run(args, io) {
    const path = args.operand('manifest, draft or enrolment');
    const text = (await readInput(path, 1_000_000)).toString('utf8');
    if (text.trimStart().startsWith('{"payload"')) {
      const verified = readManifest(path, text);
      const { manifest, digest } = verified;
      const fingerprint = fingerprintOf(verified);
      io.result({ fingerprint, digits: fingerprintDigits(digest), manifest }, [
        `Fingerprint ${fingerprint}`,
        `In digits   ${fingerprintDigits(digest)}`,
        ...manifestLines(manifest, systemClock.nowMs()),
      ]);
      return 0;
    }
    const enrolment = verifyEnrolment(text);
    if (enrolment.ok) {
      const { statement } = JSON.parse(text) as { readonly statement: string };
      const { code, name, authority, endpoint, sign, encrypt } = enrolment.value;
      io.result({ digits: statementDigits(statement), enrolment: enrolment.value }, [
        `Enrolment of ${code}, ${name}: ${authority}, ${endpoint || 'dials out'}`,
        `Fingerprint ${statementDigits(statement)}`,
        `  sign     ${sign[0]!.kid} until ${isoTime(sign[0]!.not_after)}`,
        `  encrypt  ${encrypt[0]!.kid} until ${isoTime(encrypt[0]!.not_after)}`,
        'It proves possession of every key.',
      ]);
      return 0;
    }
    if (text.includes('"statement"'))
      throw new CliError(
        'CLI_NOT_JSON',
        `${path} is refused (${enrolment.reason}): ${enrolment.detail.replace(/\.$/, '')}.`,
      );
    const draft = parseManifest(utf8ToBytes(text.trimEnd()));
    io.result({ draft: true, manifest: draft }, ['A draft, not signed.', ...manifestLines(draft, systemClock.nowMs())]);
    return 0;
  },
};

export const federationDiff: Command = {
  name: 'federation diff',
  summary: 'what one manifest or draft changes in another: to read before signing',
  operands: 'OLD.json NEW.json',
  options: {},
  async run(args, io) {
    const [older, newer, ...more] = args.operands;
    if (older === undefined || newer === undefined || more.length > 0)
      throw new CliError('CLI_USAGE', 'Give two manifests, the older one first.');
    const [before, after] = [await readAny(older), await readAny(newer)];
    const changes = diffManifests(before, after);
    const warnings = changes.filter(({ warning }) => warning !== undefined).length;
    io.result({ from: before.version, to: after.version, warnings, changes }, [
      ...changes.map(({ text }) => text),
      changes.length === 0
        ? 'Nothing is different.'
        : `${counted(changes.length, 'difference')}, ${warnings} to think about.`,
    ]);
    return 0;
  },
};

export const federationVerify: Command = {
  name: 'federation verify',
  summary: 'verify a manifest’s signatures, against a fingerprint or the manifest before it',
  operands: 'MANIFEST.json',
  options: {
    fingerprint: { value: 'HEX', help: 'expected fingerprint, in hexadecimal or in digits' },
    predecessor: { value: 'MANIFEST.json', help: 'the manifest in force before; its council must have signed too' },
  },
  async run(args, io) {
    const text = (await readInput(args.operand('manifest'), 1_000_000)).toString('utf8');
    const before = args.optional('predecessor');
    const fingerprint = args.optional('fingerprint');
    const anchor =
      before === undefined
        ? { selfSigned: true as const }
        : { predecessor: readManifest(before, (await readInput(before, 1_000_000)).toString('utf8')) };
    let verified = verifyManifest(text, anchor);
    if (verified.ok && fingerprint !== undefined && !isFingerprintOf(fingerprint, verified.value.digest)) {
      verified = {
        ok: false,
        reason: 'MANIFEST_NOT_PINNED',
        detail: `its fingerprint is ${fingerprintOf(verified.value)}`,
      };
    }
    if (!verified.ok) {
      io.result({ ok: false, reason: verified.reason, detail: verified.detail }, [
        `Not verified (${verified.reason}): ${verified.detail}.`,
      ]);
      return 1;
    }
    const { version } = verified.value.manifest;
    io.result({ ok: true, version, fingerprint: fingerprintOf(verified.value) }, [
      `Verified: version ${version}, fingerprint ${fingerprintOf(verified.value)}.`,
      ...(before === undefined && fingerprint === undefined
        ? ['It is signed by the council it names; compare the fingerprint with the one announced out of band.']
        : []),
    ]);
    return 0;
  },
};

function readManifest(path: string, text: string): VerifiedManifest {
  const verified = verifyManifest(text, { selfSigned: true });
  if (!verified.ok)
    throw new CliError('CLI_NOT_JSON', `${path} is not a signed manifest (${verified.reason}): ${verified.detail}.`);
  return verified.value;
}

function payloadOf(path: string, text: string): Uint8Array {
  try {
    const { payload } = JSON.parse(text) as { readonly payload: string };
    return parseBase64url(payload);
  } catch (cause) {
    throw new CliError('CLI_NOT_JSON', `${path} is not a signed manifest, or not a whole one.`, { cause });
  }
}

/** A draft, or a signed manifest whether it has all its signatures yet or not. */
async function readAny(path: string): Promise<Manifest> {
  const text = (await readInput(path, 1_000_000)).toString('utf8').trimEnd();
  if (!text.startsWith('{"payload"')) return parseManifest(utf8ToBytes(text));
  return parseManifest(payloadOf(path, text));
}
