/** Levels where none is given: the quickest, which on WAL are hardly less good than others. */
export const defaultLevels = { gzip: 1, bzip2: 1, xz: 1, zstd: 1 } as const;
