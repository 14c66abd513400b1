export { ApiClient } from './client.ts';
export { ApiError, type ApiErrorCode } from './error.ts';
export type { PeerAnswer, SentAnswer, StatusAnswer, WhyAnswer } from './routes.ts';
export { ApiServer } from './server.ts';
