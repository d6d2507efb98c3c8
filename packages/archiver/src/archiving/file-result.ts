/** What becomes of the files of a pass. Plain values, for reports and callbacks. */
import type { WalvaultError } from '@walvault/wal';
import type { ArchivedCodec } from '../content/codec.ts';
import type { WalFileError } from '../errors.ts';

/** A directory that files come from: `streaming` is the receiver's, `incoming` that of archive_command and put-wal. */
export type SourceKind = 'streaming' | 'incoming';

/** What became of one file. */
export type FileResult = { readonly source: SourceKind; readonly name: string } & (
  | {
      /** It is in the archive now. */
      readonly kind: 'archived';
      readonly path: string;
      /** Bytes that it takes in the archive. */
      readonly size: number;
      readonly compression: ArchivedCodec | undefined;
    }
  /** The archive had it already, with the same content. */
  | { readonly kind: 'duplicate'; readonly path: string }
  /** The archive has another file of that name. Both were kept, this one in the errors directory. */
  | { readonly kind: 'conflict'; readonly movedTo: string }
  /** It is not what its name says, or does not follow what is before it; it is in the errors directory, with the reason beside it. */
  | { readonly kind: 'invalid'; readonly movedTo: string; readonly error: WalFileError }
  /** It is not a WAL file; it is in the errors directory. */
  | { readonly kind: 'unknown'; readonly movedTo: string }
  /** It was a partial segment that nothing had been written to, and was removed. */
  | { readonly kind: 'blank' }
  /** It could not be archived, and is where it was. The next pass tries again. */
  | { readonly kind: 'failed'; readonly error: WalvaultError }
);
