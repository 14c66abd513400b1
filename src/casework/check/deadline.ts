import { isOccasion, type RequestFacts } from '../registry/rules.ts';
import type { Instrument } from '../registry/schema.ts';
import { advice, type Finding } from './finding.ts';
import type { RequestAt } from './request.ts';

const DAY_MS = 86_400_000;

/** A deadline that cannot be met, or that the instrument does not allow to be so near. */
export function deadlineFindings(
  instruments: readonly Instrument[],
  { path, deadline }: RequestAt,
  facts: RequestFacts,
  date: string,
): Finding[] {
  if (deadline === undefined) return [];
  const at = `${path}.deadline.date`;
  if (deadline.date < date) return [advice(at, 'DEADLINE_PASSED', `is before ${date}`)];
  const days = Math.round((Date.parse(deadline.date) - Date.parse(date)) / DAY_MS);
  // Service has a least time before the day of appearance, which is a duty of the state that asks.
  return instruments.flatMap(({ clocks, short_title: title }) =>
    clocks.flatMap((rule) => {
      const match = /^(\d+) days$/.exec(rule.duration);
      const least = match === null ? 0 : Number(match[1]);
      if (rule.name !== 'SERVE' || rule.by !== 'REQUESTING' || !isOccasion(rule.when, facts) || days >= least)
        return [];
      return [
        advice(
          at,
          'DEADLINE_TOO_SOON',
          `is ${days} days away; ${title} art. ${rule.article} lets a state ask for ${least}`,
          rule,
        ),
      ];
    }),
  );
}
