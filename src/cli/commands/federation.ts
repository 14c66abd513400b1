import { isoTime } from '../../base/mod.ts';
import { ApiClient, ApiError } from '../../api/mod.ts';
import {
  createCouncil,
  enrolMember,
  fingerprintOf,
  installManifest,
  signDraft,
  signedManifestPath,
} from '../../node/mod.ts';
import { verifyManifest, type VerifiedManifest } from '../../trust/mod.ts';
import type { Command } from '../command.ts';
import { CliError } from '../error.ts';
import { readInput } from '../files.ts';

const COUNCIL = { value: 'C', help: 'the council’s folder', required: true } as const;

export const federationCreate: Command = {
  name: 'federation create',
  summary: 'found a federation: council keys and an empty manifest',
  options: {
    dir: COUNCIL,
    keys: { value: 'N', help: 'council keys to make; 1 by default' },
    threshold: { value: 'T', help: 'signatures that a manifest needs; a majority by default' },
  },
  async run(args, io) {
    args.noOperands();
    const dir = args.text('dir');
    const keys = args.integer('keys', 1, 32);
    const threshold = args.integer('threshold', Math.floor(keys / 2) + 1, 32);
    if (keys < 1 || threshold < 1 || threshold > keys)
      throw new CliError('CLI_USAGE', '--threshold must be from 1 to the number of keys.');
    const draft = await createCouncil(dir, { keys, threshold });
    io.result({ ok: true, dir, keys: draft.council.keys.map(({ kid }) => kid), threshold }, [
      `Founded a federation in ${dir}: ${threshold} of ${keys} council signatures.`,
      'Next: “rogatory federation add” each enrolment.',
    ]);
    return 0;
  },
};

export const federationAdd: Command = {
  name: 'federation add',
  summary: 'add jurisdictions to the manifest’s draft, checking that each holds the keys it enrols',
  operands: 'ENROLMENT.json…',
  options: { dir: COUNCIL },
  async run(args, io) {
    if (args.operands.length === 0) throw new CliError('CLI_USAGE', 'Give at least one enrolment.');
    const added: string[] = [];
    for (const path of args.operands) {
      const draft = await enrolMember(args.text('dir'), (await readInput(path, 1_000_000)).toString('utf8'));
      added.push(draft.members.at(-1)!.code);
    }
    io.result({ ok: true, added }, [`Added ${added.join(', ')}.`, 'Next: “rogatory federation sign”.']);
    return 0;
  },
};

export const federationSign: Command = {
  name: 'federation sign',
  summary: 'sign the draft with the council keys in the folder',
  options: { dir: COUNCIL },
  async run(args, io) {
    args.noOperands();
    const dir = args.text('dir');
    const text = await signDraft(dir);
    const verified = verifyManifest(text, { selfSigned: true });
    const path = signedManifestPath(dir);
    if (!verified.ok) {
      io.result({ ok: false, manifest: path, missing: verified.detail }, [
        `Signed ${path}, but it needs more: ${verified.detail}.`,
      ]);
      return 1;
    }
    const fingerprint = fingerprintOf(verified.value);
    io.result({ ok: true, manifest: path, version: verified.value.manifest.version, fingerprint }, [
      `Signed version ${verified.value.manifest.version}: ${path}`,
      `Fingerprint: ${fingerprint}`,
      'Next: announce the fingerprint out of band, and “rogatory federation publish” the manifest to each node.',
    ]);
    return 0;
  },
};

export const federationPublish: Command = {
  name: 'federation publish',
  summary: 'give a node its manifest, whether it is running or not',
  operands: 'MANIFEST.json',
  options: {
    node: { value: 'D', help: 'the node’s folder', required: true },
    fingerprint: { value: 'HEX', help: 'of the node’s first manifest, as announced out of band' },
  },
  async run(args, io) {
    const path = args.operand('manifest');
    const dir = args.text('node');
    const text = (await readInput(path, 1_000_000)).toString('utf8');
    const running = await offerToRunning(dir, text);
    if (running !== undefined) {
      io.result({ ok: true, ...running, running: true }, [
        `The running node in ${dir} has version ${running.version} in force.`,
      ]);
      return 0;
    }
    const verified = await installManifest(dir, text, args.optional('fingerprint'));
    const { version } = verified.manifest;
    io.result({ ok: true, version, fingerprint: fingerprintOf(verified), running: false }, [
      `The node in ${dir} starts under version ${version}.`,
      `Next: “rogatory serve --config ${dir}/node.json”.`,
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
  summary: 'show a manifest: its council, its members, its fingerprint',
  operands: 'MANIFEST.json',
  options: {},
  async run(args, io) {
    const verified = await readManifest(args.operand('manifest'));
    const { manifest } = verified;
    io.result({ fingerprint: fingerprintOf(verified), manifest }, [
      `Version ${manifest.version}, issued ${isoTime(manifest.issued_at)}, valid until ${isoTime(manifest.expires_at)}`,
      `Fingerprint ${fingerprintOf(verified)}`,
      `Council: ${manifest.council.threshold} of ${manifest.council.keys.length} signatures`,
      ...manifest.members.map(
        ({ code, status, endpoint, authority }) =>
          `  ${code.padEnd(6)} ${status.padEnd(9)} ${endpoint || '(dials out)'}  ${authority}`,
      ),
    ]);
    return 0;
  },
};

export const federationVerify: Command = {
  name: 'federation verify',
  summary: 'verify a manifest’s signatures, against a fingerprint or the manifest before it',
  operands: 'MANIFEST.json',
  options: {
    fingerprint: { value: 'HEX', help: 'expected SHA-256 of the payload' },
    predecessor: { value: 'MANIFEST.json', help: 'the manifest in force before; its council must have signed too' },
  },
  async run(args, io) {
    const text = (await readInput(args.operand('manifest'), 1_000_000)).toString('utf8');
    const before = args.optional('predecessor');
    const fingerprint = args.optional('fingerprint');
    const anchor =
      before !== undefined
        ? { predecessor: await readManifest(before) }
        : fingerprint !== undefined
          ? { fingerprint }
          : { selfSigned: true as const };
    const verified = verifyManifest(text, anchor);
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

async function readManifest(path: string): Promise<VerifiedManifest> {
  const verified = verifyManifest((await readInput(path, 1_000_000)).toString('utf8'), { selfSigned: true });
  if (!verified.ok)
    throw new CliError('CLI_NOT_JSON', `${path} is not a signed manifest (${verified.reason}): ${verified.detail}.`);
  return verified.value;
}
