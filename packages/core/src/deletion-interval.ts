/** WAL is deleted so often by whoever does it in the background, in milliseconds. */
export const deletionEveryMs = 3_600_000;
