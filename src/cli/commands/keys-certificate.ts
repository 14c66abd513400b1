/** A certificate of the national PKI for a node. */
import { isoTime, shellWord, systemClock } from '../../base/mod.ts';
import { loadNodeConfig, nodePaths } from '../../config/mod.ts';
import { installCertificate, requestCertificate } from '../../node/mod.ts';
import { TLS_KEY_TYPES } from '../../trust/mod.ts';
import type { Command } from '../command.ts';
import { CliError } from '../error.ts';
import { readInput, writeOutput } from '../files.ts';
import { PASSPHRASE_FD, passphraseFor } from '../passphrase.ts';

const NODE = { value: 'D', help: 'the node’s folder', required: true } as const;
const MAX_BYTES = 200_000;

export const keysCsr: Command = {
  name: 'keys csr',
  summary: 'request a certificate for the node from a PKI of the jurisdiction’s own',
  options: {
    node: NODE,
    output: { value: 'FILE', short: 'o', help: 'the request, such as node.csr', required: true },
    'key-type': { value: 'TYPE', help: `of the new TLS key: ${TLS_KEY_TYPES.join(', ')}; p256 by default` },
    'same-key': { help: 'for the present TLS key, as when a certificate of the same PKI is renewed' },
    ...PASSPHRASE_FD,
  },
  details:
    'The PKI has to copy the names in the request, urn:mla:node:CODE above all, and to allow serverAuth and clientAuth.',
  async run(args, io) {
    args.noOperands();
    const keyType = TLS_KEY_TYPES.find((type) => type === args.text('key-type', 'p256'));
    if (keyType === undefined)
      throw new CliError('CLI_USAGE', `--key-type must be one of ${TLS_KEY_TYPES.join(', ')}.`);
    const dir = args.text('node');
    const config = loadNodeConfig(nodePaths(dir).config, {});
    const request = await requestCertificate(config, await passphraseFor(dir, args, io), {
      keyType,
      sameKey: args.flag('same-key'),
    });
    const path = args.text('output');
    await writeOutput(path, Buffer.from(request));
    io.result({ ok: true, request: path, code: config.code }, [
      `Wrote ${path}: hand it to the PKI.`,
      `Next: “rogatory keys install-certificate --node ${shellWord(dir)} CERT.pem --ca CA.pem” with what it answers.`,
    ]);
    return 0;
  },
};

export const keysInstallCertificate: Command = {
  name: 'keys install-certificate',
  summary: 'use a certificate that a PKI has issued for “keys csr”',
  operands: 'CERT.pem',
  options: {
    node: NODE,
    ca: { value: 'CA.pem', help: 'the root that peers are to trust for this jurisdiction', required: true },
    ...PASSPHRASE_FD,
  },
  details:
    'CERT.pem has the certificate, and behind it the intermediate ones where there are any.\n' +
    'Everything that a peer would refuse is refused here, and nothing is changed then.',
  async run(args, io) {
    const path = args.operand('certificate');
    const dir = args.text('node');
    const config = loadNodeConfig(nodePaths(dir).config, {});
    const read = async (file: string): Promise<string> => (await readInput(file, MAX_BYTES)).toString('latin1');
    const pem = { certificate: await read(path), authority: await read(args.text('ca')) };
    const passphrase = await passphraseFor(dir, args, io);
    const installed = await installCertificate(config, passphrase, pem, systemClock.nowMs());
    const { kid, notAfter, needsCouncil } = installed;
    io.result({ ok: true, kid, not_after: isoTime(notAfter), needs_council: needsCouncil }, [
      `Installed: TLS key ${kid}, certified until ${isoTime(notAfter)}.`,
      ...(needsCouncil
        ? [
            `Next: hand ${config.paths.enrolment} to the council. The key is used once a manifest lists it.`,
            'Where the authority is another than before, have that manifest published to every node at the same time: a peer that has not got it trusts the old one only.',
          ]
        : ['Next: restart the node. The manifest needs no change.']),
    ]);
    return 0;
  },
};
