import { isJurisdictionCode, type JurisdictionCode } from '../../base/mod.ts';
import type { Body } from '../../wire/mod.ts';
import type { Command } from '../command.ts';
import { CliError } from '../error.ts';
import { MAX_DRAFT_BYTES, readJsonInput } from '../files.ts';
import { checkJson, codeOfNode, findingLines, groundLines, loadKnowledge, withStandIns } from '../message-check.ts';
import { dateOf } from './basis.ts';

export const messageCheck: Command = {
  name: 'message check',
  summary: 'what a message lacks, and what the recipient is likely to refuse, before it is sent',
  operands: 'REQUEST.json',
  options: {
    to: { value: 'CC', help: 'the recipient', required: true },
    from: { value: 'CC', help: 'the sender; that of --node, or of the message, by default' },
    node: { value: 'D', help: 'folder of the sender’s node, which need not run' },
    date: { value: 'YYYY-MM-DD', help: 'the day on which it is judged; today by default' },
    basis: { value: 'ID', help: 'for what answers a request: the instruments that the case rests on, with commas' },
  },
  details:
    'ERROR is what the node itself refuses: fields, and grounds of refusal that the instrument bars. ADVICE is the word of the treaty\n' +
    'registry, which a person weighs; “not confirmed” marks what nobody has compared with the text yet.\n\n' +
    'Exit status: 0 nothing was found; 1 something was; 2 wrongly used.\n' +
    'Example: rogatory message check node-config/messages/request.json --to XB',
  async run(args, io) {
    const json = await readJsonInput(args.operand('file'), MAX_DRAFT_BYTES);
    const to = args.jurisdiction('to');
    const date = dateOf(args, 'date');
    const knowledge = loadKnowledge(process.env);
    const instruments = args.optional('basis')?.split(',');
    for (const id of instruments ?? [])
      if (!knowledge.registry.has(id)) throw new CliError('CLI_USAGE', `--basis: ${id} is not in the treaty registry.`);
    const node = args.optional('node');
    const given = args.optional('from') === undefined ? undefined : args.jurisdiction('from');
    const result = checkJson(knowledge, await withStandIns(json), ({ body }) => ({
      from: given ?? (node === undefined ? senderOf(body) : codeOfNode(node)),
      to,
      date,
      instruments,
    }));
    const { findings, may_refuse: grounds } = result;
    const errors = findings.filter(({ severity }) => severity === 'ERROR').length;
    io.result({ ok: findings.length === 0, errors, advice: findings.length - errors, ...result }, [
      ...(findings.length === 0 ? ['Nothing is missing.'] : findingLines(findings)),
      ...(result.instruments.length === 0 ? [] : ['', `Read together: ${result.instruments.join(', ')}.`]),
      ...(grounds.length === 0
        ? []
        : ['', `Grounds on which ${to} may refuse, nothing here being likely:`, ...groundLines(grounds)]),
    ]);
    return findings.length === 0 ? 0 : 1;
  },
};

function senderOf(body: Body): JurisdictionCode {
  const country = body.type === 'assistance_request' ? body.value.requesting_authority.country : '';
  if (isJurisdictionCode(country)) return country;
  throw new CliError('CLI_USAGE', 'The message does not say who sends it: give --from or --node.');
}
