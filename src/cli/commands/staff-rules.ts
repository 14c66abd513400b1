import { RULES } from '../../staff/mod.ts';
import type { Command } from '../command.ts';

export const staffRules: Command = {
  name: 'staff rules',
  summary: 'which role may do what',
  options: {},
  run(args, io) {
    args.noOperands();
    const rows = Object.entries(RULES).map(([action, { roles, everyCase }]) => {
      const known = roles.filter((role) => everyCase?.includes(role) === false);
      const needs = known.length === 0 ? '' : `; ${known.join(', ')}: in cases that they know`;
      return `${action.padEnd(16)} ${roles.join(', ')}${needs}`;
    });
    io.result(RULES, rows);
    return Promise.resolve(0);
  },
};
