import { access } from 'node:fs/promises';
import { replaceFile, shellWord } from '../../base/mod.ts';
import { loadNodeConfig, loadPassphrase, nodePaths } from '../../config/mod.ts';
import { ApiError } from '../../client/mod.ts';
import { AGENCIES, ROLES, encodeCredential, generateStaffKey, type SignedStatement } from '../../credential/mod.ts';
import { openNodeStorage, withStoppedStaff } from '../../node/mod.ts';
import {
  OPERATOR,
  listStaff,
  registerStaff,
  revokeStaff,
  type IssuedRecord,
  type StaffContext,
} from '../../staff/mod.ts';
import { nodeClient } from '../acting.ts';
import type { Arguments, Command } from '../command.ts';
import { CliError } from '../error.ts';
import { onOneLine } from '../free-text.ts';

const NODE = { value: 'D', help: 'the node’s folder; the node may be running or stopped', required: true } as const;
const DAY_MS = 24 * 3_600_000;
const SECRET_MODE = 0o600;

export const staffAdd: Command = {
  name: 'staff add',
  summary: 'register a person of the node and write the credential that they act by',
  operands: 'PERSON',
  options: {
    node: NODE,
    name: { value: 'NAME', help: 'the person’s name', required: true },
    role: { value: 'R1[,R2…]', help: ROLES.join(', '), required: true },
    agency: { value: 'KIND', help: `with the role AGENCY: ${AGENCIES.join(', ')}` },
    unit: { value: 'NAME', help: 'with --agency: the agency’s own name' },
    'all-cases': { help: 'cleared for every case, not only for those that they are assigned to' },
    days: { value: 'N', help: 'how long the credential is good; 365 by default' },
    output: { value: 'FILE', short: 'o', help: 'where to write the credential', required: true },
  },
  details:
    'PERSON is a short name such as anna.feld. The first person has to be a REGISTRAR, who registers the others and assigns cases; from\n' +
    'then on the node asks everybody for a credential. The private key is made here and goes into the file and nowhere else. The same\n' +
    'person may have several credentials and stays one person: nobody approves what they wrote themselves, under whichever.',
  async run(args, io) {
    const path = args.text('output');
    if (await exists(path)) throw new CliError('CLI_USAGE', `${path} exists already.`);
    const key = generateStaffKey();
    const agency = args.optional('agency');
    const registration = {
      person: args.operand('person'),
      name: args.text('name'),
      roles: args.text('role').toUpperCase().split(','),
      ...(agency === undefined ? {} : { agency: { kind: agency.toUpperCase(), unit: args.text('unit') } }),
      clearance: args.flag('all-cases') ? 'ALL' : 'ASSIGNED',
      expires_at: Date.now() + args.integer('days', 365, 1800) * DAY_MS,
      x: key.x,
    };
    const signed = await onNode(
      args,
      (api) => api.post<SignedStatement>('staff', registration),
      (context) => registerStaff(context, OPERATOR, registration),
    );
    await replaceFile(path, encodeCredential(signed, key), SECRET_MODE);
    const { person, roles, serial } = JSON.parse(signed.statement) as IssuedRecord;
    io.result({ ok: true, person, roles, serial, credential: path }, [
      `Registered ${person}: ${roles.join(', ')}. The credential is in ${path}; only its owner may read it.`,
      `Next: ${person} gives commands with --as ${shellWord(path)}.`,
    ]);
    return 0;
  },
};

export const staffList: Command = {
  name: 'staff list',
  summary: 'the people of the node, their roles, and until when',
  options: { node: NODE },
  async run(args, io) {
    args.noOperands();
    const people = await onNode(
      args,
      (api) => api.get<IssuedRecord[]>('staff'),
      (context) => listStaff(context, OPERATOR),
    );
    io.result(
      people,
      people.length === 0 ? ['Nobody is registered: whoever can open the folder is the office.'] : people.map(line),
    );
    return 0;
  },
};

export const staffRevoke: Command = {
  name: 'staff revoke',
  summary: 'end a person’s credentials at once',
  operands: 'PERSON',
  options: {
    node: NODE,
    serial: { value: 'ID', help: 'only this credential; all of the person’s by default' },
    why: { value: 'TEXT', help: 'why', required: true },
  },
  async run(args, io) {
    const serial = args.optional('serial');
    const asked = {
      person: args.operand('person'),
      why: args.text('why'),
      ...(serial === undefined ? {} : { serial }),
    };
    const revoked = await onNode(
      args,
      (api) => api.post<IssuedRecord[]>('revocations', asked),
      (context) => revokeStaff(context, OPERATOR, asked),
    );
    io.result({ ok: true, revoked }, revoked.map(line));
    return 0;
  },
};

/** At the running node as whoever gives the command; at a stopped one as its operator. */
async function onNode<T>(
  args: Arguments,
  running: (api: ReturnType<typeof nodeClient>) => Promise<T>,
  stopped: (context: StaffContext) => Promise<T>,
): Promise<T> {
  try {
    return await running(nodeClient(args));
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'API_NODE_NOT_RUNNING') throw error;
  }
  const config = loadNodeConfig(nodePaths(args.text('node')).config, process.env);
  const storage = await openNodeStorage(config, loadPassphrase(process.env));
  try {
    return await withStoppedStaff(config, storage, stopped);
  } finally {
    await storage.close();
  }
}

function line({ person, name, roles, agency, clearance, expires_at: until, revoked, serial }: IssuedRecord): string {
  const of = agency === undefined ? '' : ` (${agency.kind}: ${agency.unit})`;
  const end =
    revoked === undefined
      ? `until ${new Date(until).toISOString().slice(0, 10)}`
      : `REVOKED: ${onOneLine(revoked.why)}`;
  const cases = clearance === 'ALL' ? ', every case' : '';
  return `${person.padEnd(20)} ${name}${of}  ${roles.join(', ')}${cases}  ${end}  ${serial}`;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
