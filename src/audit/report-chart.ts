/** The timeline of one direction as a drawing: SVG with presentation attributes and classes, no style of its own. */
import type { DirectionReport } from './cross-audit.ts';
import { duration, escapeHtml } from './report-text.ts';
import type { TimelineMessage, TimelineSpan } from './timeline.ts';

const WIDTH = 900;
const LEFT = 44;
const RIGHT = 12;
const ROW = 18;
const AXIS = 26;
const BAR_HEIGHT = 90;

/** Messages as rows from sending to receipt while there are few; bars over time when there are many. */
export function timelineChart({ from, to, timeline }: DirectionReport): string {
  const label = `Messages from ${from} to ${to} over time`;
  if ('spans' in timeline) return barChart(timeline.spans, label);
  return timeline.messages.length === 0 ? '' : rowChart(timeline.messages, label);
}

function svg(height: number, label: string, parts: readonly string[]): string {
  return `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escapeHtml(label)}">${parts.join('')}</svg>`;
}

function rowChart(messages: readonly TimelineMessage[], label: string): string {
  const times = messages.flatMap(({ sent, received, acknowledged }) =>
    [sent, received, acknowledged].filter((time) => time !== undefined).map((time) => Date.parse(time)),
  );
  const [first, last] = [Math.min(...times), Math.max(...times)];
  const scale = scaleOf(first, last);
  const rows = messages.map((message, n) => messageRow(message, AXIS + n * ROW + ROW / 2, scale, last));
  const height = AXIS + messages.length * ROW + 4;
  const legend =
    '<p class="legend">● sent &nbsp; ○ received there &nbsp; green ● receipt held &nbsp; red ● refused &nbsp; grey ● voided; each by its own node’s clock</p>';
  return svg(height, label, [axis(first, last, height), ...rows]) + legend;
}

function messageRow(message: TimelineMessage, y: number, scale: (time: number) => number, last: number): string {
  const { seq, sent, received, acknowledged, refused, voided } = message;
  const start = scale(Date.parse(sent));
  const end = scale(acknowledged === undefined ? last : Date.parse(acknowledged));
  const wait =
    acknowledged === undefined
      ? 'no receipt held'
      : `acknowledged after ${duration(Date.parse(acknowledged) - Date.parse(sent))}`;
  const outcome = refused === true ? ', refused' : voided === true ? ', voided' : '';
  const dot = (time: string, className: string, radius: number): string =>
    `<circle class="${className}" cx="${scale(Date.parse(time)).toFixed(1)}" cy="${y}" r="${radius}"/>`;
  return (
    `<g><title>${escapeHtml(`${seq}: ${message.message_id}, sent ${sent}, ${wait}${outcome}`)}</title>` +
    `<text x="${LEFT - 8}" y="${y + 4}" text-anchor="end">${seq}</text>` +
    `<line class="wait${acknowledged === undefined ? ' open' : ''}" x1="${start.toFixed(1)}" x2="${end.toFixed(1)}" y1="${y}" y2="${y}"/>` +
    (acknowledged === undefined
      ? ''
      : dot(acknowledged, refused === true ? 'refused' : voided === true ? 'voided' : 'held', 5)) +
    (received === undefined ? '' : dot(received, 'received', 4)) +
    `${dot(sent, 'sent', 4.5)}</g>`
  );
}

function barChart(spans: readonly TimelineSpan[], label: string): string {
  const [first, last] = [Date.parse(spans[0]!.start), Date.parse(spans.at(-1)!.start)];
  const width = (WIDTH - LEFT - RIGHT) / spans.length;
  const most = Math.max(...spans.map(({ sent }) => sent));
  const worst = Math.max(1, ...spans.map(({ worst_ms: ms }) => ms));
  const base = AXIS + BAR_HEIGHT;
  const bars = spans.map(({ start, sent, acknowledged, refused, worst_ms: ms }, n) => {
    const bar = (count: number, className: string): string => {
      const height = (count / most) * BAR_HEIGHT;
      return `<rect class="${className}" x="${(LEFT + n * width + 1).toFixed(1)}" y="${(base - height).toFixed(1)}" width="${Math.max(1, width - 2).toFixed(1)}" height="${height.toFixed(1)}"/>`;
    };
    const words = `from ${start}: ${sent} sent, ${acknowledged} acknowledged, ${refused} refused, worst ${duration(ms)}`;
    return `<g><title>${escapeHtml(words)}</title>${bar(sent, 'sent')}${bar(acknowledged, 'held')}${bar(refused, 'refused')}</g>`;
  });
  const points = spans.map(({ worst_ms: ms }, n) => {
    const y = base - (ms / worst) * BAR_HEIGHT;
    return `${(LEFT + (n + 0.5) * width).toFixed(1)},${y.toFixed(1)}`;
  });
  const legend = `<p class="legend">bars: sent (blue where no receipt is held), acknowledged (green), refused (red), at most ${most} in one span; line: longest wait, at most ${duration(worst)}</p>`;
  const height = base + 4;
  return (
    svg(height, label, [axis(first, last, height), ...bars, `<polyline class="worst" points="${points.join(' ')}"/>`]) +
    legend
  );
}

function scaleOf(first: number, last: number): (time: number) => number {
  const span = Math.max(1, last - first);
  return (time) => LEFT + 8 + ((time - first) / span) * (WIDTH - LEFT - RIGHT - 16);
}

/** The first and the last time, and lines at the quarters. */
function axis(first: number, last: number, height: number): string {
  const scale = scaleOf(first, last);
  const lines = [0, 0.25, 0.5, 0.75, 1].map((share) => {
    const x = scale(first + share * (last - first)).toFixed(1);
    return `<line class="axis" x1="${x}" x2="${x}" y1="${AXIS - 8}" y2="${height}"/>`;
  });
  const text = (time: number, x: number, anchor: string): string =>
    `<text x="${x}" y="12" text-anchor="${anchor}">${new Date(time).toISOString()}</text>`;
  return `${lines.join('')}${text(first, LEFT, 'start')}${last > first ? text(last, WIDTH - RIGHT, 'end') : ''}`;
}
