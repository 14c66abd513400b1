export { CLOSE_CODES, type CloseReason } from './close-code.ts';
export type { ExchangeErrorCode } from './error.ts';
export type { ExchangeEvent, ExchangeListener } from './event.ts';
export { Exchange, type ExchangeOptions } from './exchange.ts';
export type { HelloAgreement } from './hello.ts';
export type { LinkHandler, PeerLink } from './link.ts';
export type { MessageDetail, MessageFilter, PeerProof, TimelineEntry } from './query.ts';
export { keys as exchangeKeys, type EntryRef, type MessageRecord } from './record.ts';
