export type { ClocksAnswer } from './case-routes.ts';
export type { EvidenceList } from './evidence-routes.ts';
export type { SentAnswer, WithdrawnAnswer } from './message-routes.ts';
export type { PeerAnswer, StatusAnswer } from './node-routes.ts';
export type { ErasedAnswer } from './retention-routes.ts';
export type { DraftAnswer } from './staff-routes.ts';
export { ApiServer } from './server.ts';
export type { WhyAnswer } from './why.ts';
