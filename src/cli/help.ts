import type { Command } from './command.ts';

/** Every command with its summary. */
export function overview(commands: readonly Command[]): string[] {
  const width = Math.max(...commands.map(({ name }) => name.length));
  return [
    'rogatory: a federated node for mutual legal assistance in criminal matters',
    '',
    'Usage: rogatory COMMAND [OPTIONS]',
    '',
    ...commands.map(({ name, summary }) => `  ${name.padEnd(width)}  ${summary}`),
    '',
    'Every command has --help, and --json for machine-readable output on stdout. “rogatory --version” says which this is.',
    'Exit status: 0 done, 1 refused or not verified, 2 wrongly used.',
  ];
}

/** One command in full. */
export function usage(command: Command): string[] {
  const options = [...Object.entries(command.options)].map(([name, { value, short, help, required }]) => ({
    left: `${short === undefined ? '    ' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`,
    help: required === true ? `${help} (required)` : help,
  }));
  const width = Math.max(...options.map(({ left }) => left.length));
  return [
    command.summary,
    '',
    `Usage: rogatory ${command.name}${command.operands === undefined ? '' : ` ${command.operands}`} [OPTIONS]`,
    '',
    ...options.map(({ left, help }) => `  ${left.padEnd(width)}  ${help}`),
    ...(command.details === undefined ? [] : ['', ...command.details.split('\n')]),
  ];
}
