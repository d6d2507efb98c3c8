/** Recovery settings to copy. */
import type { JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';
import type { FoundTarget } from '../../src/schema/find-target.ts';

interface SettingsProperties {
  readonly settings: NonNullable<FoundTarget['settings']>;
  readonly isReachable: boolean;
}

/** The settings with a button. */
export function RecoverySettings({ settings, isReachable }: SettingsProperties): JSX.Element {
  const text = useRef<HTMLPreElement>(null);
  const [said, setSaid] = useState('');
  const copy = async (): Promise<void> => setSaid((await copied(text.current)) ? 'Copied.' : 'Marked: copy it with Ctrl+C.');
  return (
    <>
      <h3>Write into {settings.file}</h3>
      {isReachable ? null : <p class="second">Recovery with these settings does not get there as things are.</p>}
      <pre ref={text} class="settings" tabIndex={0}>
        {settings.lines.join('\n')}
      </pre>
      <p>
        <button type="button" onClick={() => void copy()}>
          Copy the settings
        </button>{' '}
        <span role="status">{said}</span>
      </p>
      {settings.signalFile === null ? null : (
        <p>
          And make an empty file <code>{settings.signalFile}</code> beside it.
        </p>
      )}
    </>
  );
}

/** Without TLS browsers let only pages of this machine write to the clipboard; elsewhere the text is marked. */
async function copied(element: HTMLElement | null): Promise<boolean> {
  if (element === null) return false;
  try {
    await navigator.clipboard.writeText(element.textContent ?? '');
    return true;
  } catch {
    getSelection()?.selectAllChildren(element);
    return false;
  }
}
