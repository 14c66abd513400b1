import { readFileSync } from 'node:fs';
import { parseDraft, type Draft } from '../../src/wire/mod.ts';
import type { Uuid } from '../../src/base/mod.ts';

const request = JSON.parse(readFileSync('node-config/messages/request.json', 'utf8')) as {
  readonly assistance_request: { readonly proceeding: object; readonly facts: object };
};

/** A request; different text gives a different length. */
export function requestDraft(text = 'Invented facts.', change: object = {}): Draft {
  const { assistance_request: body } = request;
  return parseDraft({ assistance_request: { ...body, facts: { ...body.facts, text } }, ...change });
}

/** An acknowledgement of a request. */
export function acknowledgementDraft(answered: Uuid): Draft {
  return parseDraft({
    in_reply_to: answered,
    acknowledge_receipt: { received_at: 1, handler: { name: 'Section II', country: 'XB' }, local_ref: 'EX 1' },
  });
}

/** A request as a person writes it into a file. */
export function requestFile(): object {
  return request;
}
