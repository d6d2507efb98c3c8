/** An answer of the API that is kept fresh while a component is shown. */
import { useEffect, useState } from 'preact/hooks';
import { ask, Refusal } from './ask.ts';

/** The last good answer stays while a newer one cannot be had. */
export interface Resource<T> {
  readonly value: T | undefined;
  readonly refusal: Refusal | undefined;
}

/**
 * @param route undefined when there is nothing to ask
 * @param everyMs how often it is asked again; never when undefined
 * @param news asked again at once when this changes
 */
export function useResource<T>(route: string | undefined, everyMs?: number, news?: unknown): Resource<T> {
  const [resource, setResource] = useState<Resource<T> & { readonly route?: string | undefined }>(nothing);
  useEffect(() => {
    if (route === undefined) return setResource(nothing);
    const ended = new AbortController();
    const load = async (): Promise<void> => {
      try {
        const value = await ask<T>(route, ended.signal);
        if (!ended.signal.aborted) setResource({ value, refusal: undefined, route });
      } catch (error) {
        if (ended.signal.aborted) return;
        const refusal = error instanceof Refusal ? error : new Refusal(0, String(error));
        setResource((last) => ({ value: last.route === route ? last.value : undefined, refusal, route }));
      }
    };
    void load();
    const timer = everyMs === undefined ? undefined : setInterval(() => document.hidden || void load(), everyMs);
    return () => {
      ended.abort();
      clearInterval(timer);
    };
  }, [route, everyMs, news]);
  return resource.route === route ? resource : nothing;
}

const nothing = { value: undefined, refusal: undefined, route: undefined };
