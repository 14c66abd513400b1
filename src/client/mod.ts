export { ApiClient } from './client.ts';
export { ApiError, RemoteError, type ApiErrorCode } from './error.ts';
export { socketPath } from './socket-path.ts';
