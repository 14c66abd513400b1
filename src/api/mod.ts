export { ApiClient } from './client.ts';
export { ApiError, type ApiErrorCode } from './error.ts';
export type { PeerAnswer, SentAnswer, StatusAnswer, WhyAnswer, WithdrawnAnswer } from './routes.ts';
export { ApiServer } from './server.ts';
