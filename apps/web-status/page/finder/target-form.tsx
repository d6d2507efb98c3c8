/** The form of the finder. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { TimelineTree } from '../../src/schema/coverage.ts';
import type { RestorePointList } from '../../src/schema/find-target.ts';
import { fromInput, toInput, zoneName } from '../format/time.ts';
import { serverNow } from '../live/live-state.ts';
import { useStore } from '../live/store.ts';
import { zone } from '../routing/preferences.ts';
import { kindTitles, type Target, type TargetKind, targetKinds } from './target.ts';

interface FormProperties {
  readonly target: Target | undefined;
  readonly points: RestorePointList | undefined;
  readonly timelines: NonNullable<TimelineTree['timelines']>;
  /** The last moment that is known of, ISO 8601: what is looked for unless something is typed in. */
  readonly latest: string | undefined;
  readonly onLook: (target: Target) => void;
}

/** The form. What is typed in is given back when it is sent. */
export function TargetForm({ target, points, timelines, latest, onLook }: FormProperties): JSX.Element {
  const [kind, setKind] = useState<TargetKind>(target?.kind ?? 'time');
  const [typed, setTyped] = useState(target?.value);
  const [timeline, setTimeline] = useState(target?.timeline ?? '');
  const choose = (next: TargetKind): void => {
    setKind(next);
    setTyped(undefined);
  };
  const lastPoint = points?.restorePoints?.at(-1)?.name;
  const suggested = kind === 'time' ? (latest ?? new Date(serverNow()).toISOString()) : kind === 'name' ? lastPoint : undefined;
  const value = typed ?? suggested ?? '';
  const send = (event: Event): void => {
    event.preventDefault();
    if (value.trim() !== '') onLook({ kind, value: value.trim(), timeline });
  };
  return (
    <form class="target" onSubmit={send}>
      <fieldset>
        <legend>Look for</legend>
        {targetKinds.map((one) => (
          <label key={one}>
            <input type="radio" name="kind" checked={one === kind} onChange={() => choose(one)} /> {kindTitles[one]}
          </label>
        ))}
      </fieldset>
      <div class="fields">
        <ValueField kind={kind} value={value} points={points} onValue={setTyped} />
        <label>
          Timeline{' '}
          <select value={timeline} onChange={(event) => setTimeline(event.currentTarget.value)}>
            <option value="">any</option>
            {timelines.map(({ timelineId }) => (
              <option key={timelineId} value={String(timelineId)}>
                {timelineId}
              </option>
            ))}
          </select>
        </label>
        <button type="submit">Find</button>
      </div>
    </form>
  );
}

interface ValueProperties {
  readonly kind: TargetKind;
  readonly value: string;
  readonly points: RestorePointList | undefined;
  readonly onValue: (value: string) => void;
}

function ValueField({ kind, value, points, onValue }: ValueProperties): JSX.Element {
  const inZone = useStore(zone, (one) => one);
  if (kind === 'time') {
    return (
      <label>
        Moment ({zoneName(value, inZone)}){' '}
        <input
          type="datetime-local"
          step="1"
          required
          value={toInput(value, inZone)}
          onInput={(event) => onValue(fromInput(event.currentTarget.value, inZone) ?? value)}
        />
      </label>
    );
  }
  if (kind === 'name') return <NameField value={value} points={points} onValue={onValue} />;
  const [pattern, example] = kind === 'lsn' ? ['[0-9A-Fa-f]{1,8}/[0-9A-Fa-f]{1,8}', '0/3000148'] : ['[0-9]{1,20}', '731'];
  return (
    <label>
      {kindTitles[kind]}{' '}
      <input
        type="text"
        required
        pattern={pattern}
        placeholder={example}
        title={`It looks like ${example}`}
        spellcheck={false}
        autocomplete="off"
        value={value}
        onInput={(event) => onValue(event.currentTarget.value)}
      />
    </label>
  );
}

function NameField({ value, points, onValue }: Omit<ValueProperties, 'kind'>): JSX.Element {
  const names = [...new Set((points?.restorePoints ?? []).map(({ name }) => name))];
  return (
    <div>
      <label>
        Name{' '}
        <input
          type="text"
          required
          maxLength={63}
          list="restore-points"
          aria-describedby="known-points"
          spellcheck={false}
          autocomplete="off"
          value={value}
          onInput={(event) => onValue(event.currentTarget.value)}
        />
      </label>
      <datalist id="restore-points">
        {names.map((name) => (
          <option key={name} value={name} />
        ))}
      </datalist>
      <span class="second" id="known-points">
        {names.length === 0 ? 'The catalogue knows of none.' : `Known: ${names.slice(-8).join(', ')}`}
      </span>
    </div>
  );
}
