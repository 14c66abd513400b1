export type { EvidenceList } from './evidence-routes.ts';
export type { ClocksAnswer, ErasedAnswer, PeerAnswer, SentAnswer, StatusAnswer, WithdrawnAnswer } from './routes.ts';
export { ApiServer } from './server.ts';
export type { WhyAnswer } from './why.ts';
