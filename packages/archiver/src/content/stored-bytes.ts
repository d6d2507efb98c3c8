/** A file as it is stored, for decoders: they read it from any place on, since some must begin anew in the middle. */
export interface StoredBytes {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  /** The bytes from `position` to the end, as chunks that belong to the caller. */
  from(position: number): AsyncIterable<Buffer>;
}
