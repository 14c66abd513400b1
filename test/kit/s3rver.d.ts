/** The little of s3rver that tests use; it has no types of its own. */
declare module 's3rver' {
  import type { AddressInfo } from 'node:net';

  export type Middleware = (
    context: {
      readonly method: string;
      readonly path: string;
      readonly query: Readonly<Record<string, string | undefined>>;
      status: number;
      type: string;
      body: string;
    },
    next: () => Promise<void>,
  ) => Promise<void>;

  class S3rver {
    constructor(options: {
      readonly port: number;
      readonly address: string;
      readonly silent: boolean;
      readonly directory: string;
      readonly configureBuckets: readonly { readonly name: string }[];
    });
    readonly middleware: Middleware[];
    run(): Promise<AddressInfo>;
    close(): Promise<void>;
  }
  export { S3rver as default };
}
