/** A reason for which the bench cannot go on, in words for whoever started it. Anything else that is thrown is a defect. */
export class BenchFailure extends Error {
  override readonly name = 'BenchFailure';
}
