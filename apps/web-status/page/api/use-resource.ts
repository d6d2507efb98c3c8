/** An answer of the API that is kept fresh while a component is shown. */
import { useEffect, useRef, useState } from 'preact/hooks';
import { ask, Refusal } from './ask.ts';

/** The last good answer stays while a newer one cannot be had. */
export interface Resource<T> {
  readonly value: T | undefined;
  readonly refusal: Refusal | undefined;
}

/** News make it be asked again so soon, and no sooner: what changes each second is not asked for each second. */
const newsEveryMs = 3000;

/**
 * @param route undefined when there is nothing to ask
 * @param everyMs how often it is asked again; never when undefined
 * @param news asked again soon when this changes
 */
export function useResource<T>(route: string | undefined, everyMs?: number, news?: unknown): Resource<T> {
  const [resource, setResource] = useState<Resource<T> & { readonly route?: string | undefined }>(nothing);
  const again = useRef<() => void>(undefined);
  useEffect(() => {
    if (route === undefined) return setResource(nothing);
    const ended = new AbortController();
    let soon: ReturnType<typeof setTimeout> | undefined;
    let askedAt = 0;
    const load = async (): Promise<void> => {
      askedAt = Date.now();
      clearTimeout(soon);
      soon = undefined;
      const answer = await answerOf<T>(route, ended.signal);
      if (ended.signal.aborted) return;
      setResource((last) => ({
        value: answer.value ?? (last.route === route ? last.value : undefined),
        refusal: answer.refusal,
        route,
      }));
    };
    void load();
    again.current = () => {
      soon ??= setTimeout(() => void load(), Math.max(0, askedAt + newsEveryMs - Date.now()));
    };
    const timer = everyMs === undefined ? undefined : setInterval(() => document.hidden || void load(), everyMs);
    return () => {
      ended.abort();
      clearTimeout(soon);
      clearInterval(timer);
      again.current = undefined;
    };
  }, [route, everyMs]);
  const known = useRef(news);
  useEffect(() => {
    if (known.current !== news) again.current?.();
    known.current = news;
  }, [news]);
  return resource.route === route ? resource : nothing;
}

async function answerOf<T>(route: string, signal: AbortSignal): Promise<Resource<T>> {
  try {
    return { value: await ask<T>(route, signal), refusal: undefined };
  } catch (error) {
    return { value: undefined, refusal: error instanceof Refusal ? error : new Refusal(0, String(error)) };
  }
}

const nothing = { value: undefined, refusal: undefined, route: undefined };
