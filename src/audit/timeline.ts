/** How an exchange went over time: message by message while there are few, in equal spans when there are many. */
import { isoTime } from '../base/mod.ts';
import type { MessageTrace, Trail } from './trail.ts';

/** One message; times in ISO 8601, each by the clock of the node whose ledger says so. */
export interface TimelineMessage {
  readonly seq: number;
  readonly message_id: string;
  readonly sent: string;
  readonly received?: string;
  readonly acknowledged?: string;
  readonly refused?: true;
  readonly voided?: true;
}

/** What happened in one span of time. */
export interface TimelineSpan {
  readonly start: string;
  readonly sent: number;
  readonly acknowledged: number;
  readonly refused: number;
  /** The longest wait for a receipt of those sent in the span, in milliseconds. */
  readonly worst_ms: number;
}

/** The messages of one direction. */
export type Timeline = { readonly messages: readonly TimelineMessage[] } | { readonly spans: readonly TimelineSpan[] };

const MAX_MESSAGES = 100;
const SPANS = 60;

/**
 * @param sent at the sender
 * @param received at the recipient
 */
export function timelineOf(sent: Trail | undefined, received: Trail | undefined): Timeline {
  if (sent === undefined || sent.length <= MAX_MESSAGES)
    return { messages: [...(sent ?? [])].map((trace) => messageOf(trace, received)) };
  const [first, last] = [sent.at(0).time, sent.at(sent.length - 1).time];
  const width = Math.max(1, Math.ceil((last - first + 1) / SPANS));
  // Times never decrease in a ledger that holds; in one that does not, the finding says so, and there may be nothing between the two.
  const spans = Array.from({ length: Math.max(1, Math.ceil((last - first + 1) / width)) }, (_, n) => ({
    start: isoTime(first + n * width),
    sent: 0,
    acknowledged: 0,
    refused: 0,
    worst_ms: 0,
  }));
  for (const { time, held, refused } of sent) {
    const span = spans[Math.min(spans.length - 1, Math.max(0, Math.floor((time - first) / width)))]!;
    span.sent++;
    if (refused) span.refused++;
    if (held === undefined) continue;
    span.acknowledged++;
    span.worst_ms = Math.max(span.worst_ms, held - time);
  }
  return { spans };
}

function messageOf({ seq, message_id, time, held, refused, voided }: MessageTrace, there?: Trail): TimelineMessage {
  const row = there?.rowOf(seq) ?? -1;
  return {
    seq,
    message_id,
    sent: isoTime(time),
    ...(row < 0 ? {} : { received: isoTime(there!.at(row).time) }),
    ...(held === undefined ? {} : { acknowledged: isoTime(held) }),
    ...(refused ? { refused: true } : {}),
    ...(voided ? { voided: true } : {}),
  };
}
