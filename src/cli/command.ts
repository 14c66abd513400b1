/** What a command is, and how its arguments are read. */
import { parseArgs } from 'node:util';
import { isUuid, parseJurisdictionCode, type JurisdictionCode, type Uuid } from '../base/mod.ts';
import { CliError } from './error.ts';

/** Exit statuses: done; refused or not verified; wrongly used. */
export const EXIT = { done: 0, refused: 1, usage: 2 } as const;

/** One option of a command. */
export interface OptionSpec {
  /** Placeholder of its value in the help; none for a switch. */
  readonly value?: string;
  readonly short?: string;
  readonly help: string;
  readonly required?: boolean;
}

/** One command. */
export interface Command {
  /** As typed: `message send`. */
  readonly name: string;
  readonly summary: string;
  /** Positional arguments in the help, such as `REQUEST.json`. */
  readonly operands?: string;
  readonly options: Readonly<Record<string, OptionSpec>>;
  /** More for the help: exit statuses, examples. */
  readonly details?: string;
  run(args: Arguments, io: Terminal): Promise<number>;
}

/** Where a command writes. */
export interface Terminal {
  /** Whether stdout is for a machine. */
  readonly isJson: boolean;
  /** A line of the result. In JSON mode only `result` writes to stdout. */
  readonly print: (line: string) => void;
  /** A line for the person who waits: stderr. */
  readonly note: (line: string) => void;
  /** The result: JSON for a machine, or lines for people. */
  readonly result: (json: unknown, lines: readonly string[]) => void;
}

/** Arguments that were given, by name. */
export class Arguments {
  readonly operands: readonly string[];
  readonly #values: Readonly<Record<string, string | boolean | undefined>>;

  constructor(operands: readonly string[], values: Readonly<Record<string, string | boolean | undefined>>) {
    this.operands = operands;
    this.#values = values;
  }

  optional(name: string): string | undefined {
    const value = this.#values[name];
    return typeof value === 'string' ? value : undefined;
  }

  text(name: string, fallback?: string): string {
    const value = this.optional(name) ?? fallback;
    if (value === undefined) throw new CliError('CLI_USAGE', `--${name} is required.`);
    return value;
  }

  flag(name: string): boolean {
    return this.#values[name] === true;
  }

  integer(name: string, fallback: number, max: number): number {
    const text = this.optional(name);
    if (text === undefined) return fallback;
    if (!/^[0-9]{1,9}$/.test(text) || Number(text) > max)
      throw new CliError('CLI_USAGE', `--${name} must be a whole number up to ${max}.`);
    return Number(text);
  }

  jurisdiction(name: string): JurisdictionCode {
    return parseJurisdiction(this.text(name), `--${name}`);
  }

  optionalJurisdiction(name: string): JurisdictionCode | undefined {
    return this.optional(name) === undefined ? undefined : this.jurisdiction(name);
  }

  /** The id of what the option names: a case, a task. */
  id(name: string): Uuid {
    return parseId(this.text(name), name);
  }

  optionalId(name: string): Uuid | undefined {
    return this.optional(name) === undefined ? undefined : this.id(name);
  }

  /** Exactly one operand, which is the id of a message, a case, a file and so on. */
  operandId(what: string): Uuid {
    return parseId(this.operand(`id of a ${what}`), what);
  }

  /** Any number of ids of what is named. */
  operandIds(what: string): Uuid[] {
    return this.operands.map((text) => parseId(text, what));
  }

  operandJurisdiction(): JurisdictionCode {
    return parseJurisdiction(this.operand('jurisdiction code'), `“${this.operands[0]}”`);
  }

  /** Exactly one operand. */
  operand(what: string): string {
    const [operand, ...more] = this.operands;
    if (operand === undefined || more.length > 0) throw new CliError('CLI_USAGE', `Give exactly one ${what}.`);
    return operand;
  }

  noOperands(): void {
    if (this.operands.length > 0) throw new CliError('CLI_USAGE', `Unexpected argument “${this.operands[0]}”.`);
  }
}

// One key's name in 64 begins with a hyphen, and would be taken for an option.
const KEY_NAMES = /^-[\w-]{42}(,[\w-]{43})*$/;
const LITERAL = '\u0001';
const unmarked = (text: string): string => (text.startsWith(LITERAL) ? text.slice(1) : text);

/** @throws {CliError} CLI_USAGE */
export function readArguments(command: Command, argv: readonly string[]): Arguments {
  const options = Object.fromEntries(
    Object.entries(command.options).map(([name, spec]) => [
      name,
      {
        type: spec.value === undefined ? ('boolean' as const) : ('string' as const),
        ...(spec.short === undefined ? {} : { short: spec.short }),
      },
    ]),
  );
  try {
    const args = argv.map((text) => (KEY_NAMES.test(text) ? LITERAL + text : text));
    const parsed = parseArgs({ args, options, allowPositionals: true, strict: true, tokens: true });
    // The last would count, and the first be forgotten: a message may then go to another recipient than was meant.
    const given = parsed.tokens.flatMap((token) =>
      token.kind === 'option' && token.value !== undefined ? [token.name] : [],
    );
    const twice = given.find((name, at) => given.indexOf(name) !== at);
    if (twice !== undefined) throw new CliError('CLI_USAGE', `--${twice} is given twice.`);
    const positionals = parsed.positionals.map(unmarked);
    const values = Object.fromEntries(
      Object.entries(parsed.values).map(([name, value]) => [name, typeof value === 'string' ? unmarked(value) : value]),
    );
    for (const [name, spec] of Object.entries(command.options)) {
      if (spec.required === true && values[name] === undefined)
        throw new CliError('CLI_USAGE', `--${name} ${spec.value ?? ''} is required.`);
    }
    return new Arguments(positionals, values);
  } catch (error) {
    if (error instanceof CliError) throw error;
    const message = error instanceof Error ? (error.message.split(/\.\s/)[0] ?? error.message) : String(error);
    throw new CliError('CLI_USAGE', `${message}.`, { cause: error });
  }
}

/** @throws {CliError} CLI_USAGE */
export function parseId(text: string, what: string): Uuid {
  if (!isUuid(text)) throw new CliError('CLI_USAGE', `“${text}” is not the id of a ${what}.`);
  return text;
}

function parseJurisdiction(text: string, what: string): JurisdictionCode {
  try {
    return parseJurisdictionCode(text.toUpperCase());
  } catch (cause) {
    throw new CliError('CLI_USAGE', `${what} must be a jurisdiction code such as IT or GB-SCT.`, { cause });
  }
}
