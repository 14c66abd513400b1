import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { isEndpoint, nodePaths } from '../../config/mod.ts';
import { initNode, type InitOptions } from '../../node/mod.ts';
import type { Arguments, Command, Terminal } from '../command.ts';
import { CliError } from '../error.ts';
import { statementDigits } from '../manifest-lines.ts';
import { PASSPHRASE_FD, PIN_FD, newPassphrase, pinOf } from '../passphrase.ts';

export const init: Command = {
  name: 'init',
  summary: 'make a node: keys, certificate, configuration, empty ledger, and an enrolment for the council',
  options: {
    jurisdiction: {
      value: 'CC',
      help: 'ISO 3166-1 code, or with a region such as GB-SCT; XA to XZ for trying out',
      required: true,
    },
    dir: { value: 'D', help: 'the node’s folder, made if it is not there', required: true },
    endpoint: {
      value: 'URL',
      help: 'wss://HOST[:PORT][/federation] where peers reach it; leave out if it only dials out',
    },
    listen: {
      value: 'HOST:PORT',
      help: 'address to listen on; the endpoint’s port on all addresses, or on loopback for a loopback endpoint',
    },
    origin: {
      value: 'NAME',
      help: 'schemeless name that the ledger goes under for ever; the endpoint’s host by default',
    },
    name: { value: 'TEXT', help: 'name of the jurisdiction' },
    authority: { value: 'TEXT', help: 'name of the central authority' },
    suite: {
      value: 'N',
      help: 'least suite for messages to and from it: 2 seals with ML-KEM-768 as well as X25519; 1 by default',
    },
    pkcs11: {
      value: 'MODULE',
      help: 'library of a hardware security module: keys that sign and decrypt go there; --token names the token',
    },
    token: { value: 'LABEL', help: 'label of the token, which the module’s own tools have made' },
    ...PIN_FD,
    'pin-each-time': { help: 'do not keep the PIN under the data key: every command needs it again' },
    ...PASSPHRASE_FD,
  },
  details:
    'The data key that everything rests under is wrapped by a passphrase: from --passphrase-fd, ROGATORY_PASSPHRASE,\n' +
    'ROGATORY_PASSPHRASE_FILE or the credential rogatory-passphrase, or asked for at a terminal.\n' +
    'A token’s PIN comes likewise from --pin-fd, ROGATORY_PIN, ROGATORY_PIN_FILE, the credential rogatory-pin, or is asked for.\n' +
    'Without one it is kept in a file that only the owner can read: good for trying out, not for a ministry.',
  async run(args, io) {
    args.noOperands();
    const code = args.jurisdiction('jurisdiction');
    const endpoint = readEndpoint(args.optional('endpoint'));
    const url = endpoint === '' ? undefined : new URL(endpoint);
    const suite = readSuite(args);
    const passphrase = await newPassphrase(args, io);
    const token = await readToken(args, io);
    const config = await initNode({
      code,
      dir: args.text('dir'),
      name: args.text('name', code),
      authority: args.text('authority', `Central authority of ${code}`),
      endpoint,
      listen: readListen(args, url),
      origin: args.optional('origin') ?? url?.host ?? missingOrigin(),
      passphrase,
      token,
      suite,
    });
    const { dir, enrolment } = nodePaths(config.paths.dir);
    const { statement } = JSON.parse(await readFile(enrolment, 'utf8')) as { readonly statement: string };
    const digits = statementDigits(statement);
    io.result(
      {
        ok: true,
        code,
        dir,
        enrolment,
        digits,
        ledger_origin: config.ledgerOrigin,
        encrypted: passphrase !== undefined,
        ...(token === undefined ? {} : { token: token.token }),
      },
      [
        `Made node ${code} in ${dir}.`,
        ...(passphrase === undefined ? ['Its data key is in a file without a passphrase: for trying out only.'] : []),
        `Fingerprint of the enrolment: ${digits}`,
        'Read it to the council over the telephone: it shows that the file arrived as it left.',
        `Next: hand ${enrolment} to the council (“rogatory federation add”), then give the node its manifest (“rogatory federation publish”).`,
      ],
    );
    return 0;
  },
};

async function readToken(args: Arguments, io: Terminal): Promise<InitOptions['token']> {
  const path = args.optional('pkcs11');
  const label = args.optional('token');
  if ((path === undefined) !== (label === undefined))
    throw new CliError('CLI_USAGE', '--pkcs11 and --token go together.');
  if (path === undefined || label === undefined) return undefined;
  const pin = await pinOf(label, args, io);
  return { module: resolve(path), token: label, pin, keepPin: !args.flag('pin-each-time') };
}

function readSuite(args: Arguments): 1 | 2 {
  const suite = args.integer('suite', 1, 2);
  if (suite !== 1 && suite !== 2) throw new CliError('CLI_USAGE', '--suite must be 1 or 2.');
  return suite;
}

function readEndpoint(text: string | undefined): string {
  if (text === undefined) return '';
  const endpoint = /^wss:\/\/[^/]+\/?$/.test(text) ? `${text.replace(/\/$/, '')}/federation` : text;
  if (!isEndpoint(endpoint)) throw new CliError('CLI_USAGE', '--endpoint must be wss://HOST[:PORT][/federation].');
  return endpoint;
}

function readListen(
  args: Arguments,
  url: URL | undefined,
): { readonly host: string; readonly port: number } | undefined {
  const text = args.optional('listen');
  if (text === undefined) {
    if (url === undefined) return undefined;
    const isLoopback = ['127.0.0.1', 'localhost', '[::1]'].includes(url.hostname);
    const loopback = url.hostname === '[::1]' ? '::1' : '127.0.0.1';
    return { host: isLoopback ? loopback : '0.0.0.0', port: url.port === '' ? 443 : Number(url.port) };
  }
  const match = /^(.+):([0-9]{1,5})$/.exec(text);
  if (match === null || Number(match[2]) > 65_535) throw new CliError('CLI_USAGE', '--listen must be HOST:PORT.');
  return { host: match[1]!.replace(/^\[|\]$/g, ''), port: Number(match[2]) };
}

function missingOrigin(): never {
  throw new CliError('CLI_USAGE', '--origin is required for a node without an endpoint.');
}
