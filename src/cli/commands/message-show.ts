import { FORM_LANGUAGES, formLines, parseCodeLists, type CodeLists, type FormLanguage } from '../../casework/mod.ts';
import { dataFolder, readDataFolder } from '../../config/mod.ts';
import type { MessageDetail } from '../../exchange/mod.ts';
import { nodeClient } from '../acting.ts';
import type { Command } from '../command.ts';
import { CliError } from '../error.ts';
import { messageLines } from '../message-lines.ts';

export const messageShow: Command = {
  name: 'message show',
  summary: 'one message: its content, and the peer’s proof',
  operands: 'MESSAGE',
  options: {
    node: { value: 'D', help: 'folder of the running node', required: true },
    lang: { value: 'LANG', help: `as a form in a language: ${FORM_LANGUAGES.join(', ')}` },
  },
  details:
    'With --lang, labels and codes are in that language. Free text is shown in its translation, with who certified it or that a machine\n' +
    'made it, or as it was written, with its language named.',
  async run(args, io) {
    const lang = languageOf(args.optional('lang'));
    const id = encodeURIComponent(args.operand('message id'));
    const detail = await nodeClient(args).get<MessageDetail>(`messages/${id}`);
    const { proof, content } = detail;
    io.result(detail, [
      ...messageLines(detail.record),
      ...(proof === undefined
        ? []
        : [
            `  proof    ${proof.kind}: entry ${proof.index} of ${proof.origin}, ${proof.verified ? 'verified' : 'NOT VERIFIED'}`,
          ]),
      '',
      ...(content === undefined
        ? ['Its content could not be read by this node.']
        : lang === undefined
          ? JSON.stringify(content, undefined, 2).split('\n')
          : formLines(content, loadCodeLists(), lang)),
    ]);
    return proof?.verified === false ? 1 : 0;
  },
};

function languageOf(text: string | undefined): FormLanguage | undefined {
  if (text === undefined) return undefined;
  const found = FORM_LANGUAGES.find((lang) => lang === text);
  if (found === undefined) throw new CliError('CLI_USAGE', `--lang must be one of ${FORM_LANGUAGES.join(', ')}.`);
  return found;
}

function loadCodeLists(): CodeLists {
  return parseCodeLists(readDataFolder(dataFolder(process.env), 'code-lists'));
}
