/**
 * Several programs measured in turn, several times: what is compared are values of the same round, because a machine that slows
 * down for a minute slows down all of a round.
 */

/** One program's measurement in each of the rounds. */
export type Rounds<Measurement> = readonly (readonly Measurement[])[];

/**
 * Measures each of the contenders once a round. Whoever comes second may find the machine in another state, so the first place
 * goes round.
 * @returns by round, the measurements in the order of the contenders
 */
export async function runRounds<Contender, Measurement>(
  contenders: readonly Contender[],
  count: number,
  measure: (contender: Contender, round: number) => Promise<Measurement>,
): Promise<Rounds<Measurement>> {
  const rounds: Measurement[][] = [];
  for (let round = 0; round < count; round += 1) {
    const measured: Measurement[] = [];
    for (let turn = 0; turn < contenders.length; turn += 1) {
      const index = (turn + round) % contenders.length;
      measured[index] = await measure(contenders[index] as Contender, round + 1);
    }
    rounds.push(measured);
  }
  return rounds;
}
