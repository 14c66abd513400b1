import { writeSync } from 'node:fs';
import { RogatoryError, codeOf } from '../base/mod.ts';
import { AS } from './acting.ts';
import { COMMANDS, type CommandEntry } from './catalogue.ts';
import { EXIT, readArguments, type Command, type Terminal } from './command.ts';
import { CliError } from './error.ts';
import { systemRefusal } from './files.ts';
import { overview, usage } from './help.ts';
import { ownVersion } from './version.ts';

const COMMON = {
  json: { help: 'machine-readable output on stdout' },
  help: { short: 'h', help: 'this help' },
} as const;

/**
 * Runs one command.
 * @param argv what follows the program's name
 * @returns the exit status: 0 done, 1 refused or not verified, 2 wrongly used
 */
export async function main(argv: readonly string[]): Promise<number> {
  process.stdout.off('error', onStdoutError).on('error', onStdoutError);
  process.stderr.off('error', onStderrError).on('error', onStderrError);
  const isJson = argv.includes('--json');
  const terminal = createTerminal(isJson);
  const entry = findCommand(argv);
  if (entry === undefined) return withoutCommand(argv, terminal);
  const found = await entry.load();
  const command: Command = {
    ...found,
    run: (args, io) => found.run(args, io),
    options: { ...found.options, ...(Object.hasOwn(found.options, 'node') ? { as: AS } : {}), ...COMMON },
  };
  try {
    const rest = argv.slice(found.name.split(' ').length);
    if (rest.includes('--help') || rest.includes('-h')) {
      usage(command).forEach(writeLine);
      return EXIT.done;
    }
    return await found.run(readArguments(command, rest), terminal);
  } catch (error) {
    return report(error, terminal, command);
  }
}

// Whoever reads only the first lines closes the pipe: that ends the program, and is no fault.
function onStdoutError(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(EXIT.done);
  writeSync(2, `rogatory: the result cannot be written: ${error.message}\n`);
  process.exit(EXIT.refused);
}

// Nobody reads how far it is, or what is wrong: the work is done all the same, and the exit status tells.
function onStderrError(): undefined {
  return undefined;
}

function findCommand(argv: readonly string[]): CommandEntry | undefined {
  return COMMANDS.find(({ name }) => name.split(' ').every((word, i) => argv[i] === word));
}

function loadAll(entries: readonly CommandEntry[]): Promise<Command[]> {
  return Promise.all(entries.map(({ load }) => load()));
}

async function withoutCommand(argv: readonly string[], terminal: Terminal): Promise<number> {
  const [first] = argv;
  if (first === undefined || first === '--help' || first === '-h' || first === 'help') {
    overview(await loadAll(COMMANDS)).forEach(writeLine);
    return EXIT.done;
  }
  if (first === '--version') {
    terminal.result({ version: ownVersion() }, [ownVersion()]);
    return EXIT.done;
  }
  const group = COMMANDS.filter(({ name }) => name.startsWith(`${first} `));
  if (group.length > 0 && (argv[1] === undefined || argv.includes('--help'))) {
    overview(await loadAll(group)).forEach(argv[1] === undefined ? terminal.note : writeLine);
    return argv[1] === undefined ? EXIT.usage : EXIT.done;
  }
  const words = argv.slice(0, 2).filter((word) => !word.startsWith('-'));
  return report(
    new CliError('CLI_USAGE', words.length === 0 ? 'which command?' : `unknown command “${words.join(' ')}”`),
    terminal,
  );
}

/** Errors go to stderr in words, and in JSON mode also to stdout: a machine gets one document whatever happens. */
function report(thrown: unknown, terminal: Terminal, command?: Command): number {
  const error = systemRefusal(thrown) ?? thrown;
  const isUsage = error instanceof CliError && error.code === 'CLI_USAGE';
  const faults = faultsOf(error);
  if (!(error instanceof RogatoryError)) {
    terminal.note(
      `rogatory: internal error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`,
    );
  } else if (faults.length > 0) {
    terminal.note(
      `rogatory: ${error.code}: ${faults.length === 1 ? 'one thing has' : `${faults.length} things have`} to be mended:`,
    );
    for (const { path, message } of faults) terminal.note(`  ${path === '' ? 'the document' : path}: ${message}`);
  } else {
    terminal.note(`rogatory: ${error.code}: ${error.message}`);
  }
  if (isUsage) terminal.note(`Try “${command === undefined ? 'rogatory' : `rogatory ${command.name}`} --help”.`);
  if (terminal.isJson) {
    const message = error instanceof RogatoryError ? error.message : 'internal error';
    terminal.result(
      { ok: false, error: { code: codeOf(error), message, ...(faults.length > 0 ? { faults } : {}) } },
      [],
    );
  }
  return isUsage ? EXIT.usage : EXIT.refused;
}

function faultsOf(error: unknown): readonly { readonly path: string; readonly message: string }[] {
  return error instanceof RogatoryError && 'faults' in error
    ? (error.faults as { path: string; message: string }[])
    : [];
}

function createTerminal(isJson: boolean): Terminal {
  return {
    isJson,
    print: isJson ? () => undefined : writeLine,
    note: (line) => void process.stderr.write(`${line}\n`),
    result: (json, lines) => {
      if (isJson) writeLine(JSON.stringify(json, undefined, 2));
      else lines.forEach(writeLine);
    },
  };
}

function writeLine(line: string): void {
  process.stdout.write(`${line}\n`);
}
