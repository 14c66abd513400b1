export type { EvidenceList } from './evidence-routes.ts';
export { ApiClient } from './client.ts';
export { ApiError, RemoteError, type ApiErrorCode } from './error.ts';
export type { PeerAnswer, SentAnswer, StatusAnswer, WithdrawnAnswer } from './routes.ts';
export { ApiServer } from './server.ts';
export type { WhyAnswer } from './why.ts';
