/**
 * `%(name)s` in values, as Python's ConfigParser does it: a name stands for the value of that option, `%%` for a
 * percent sign, and any other `%` is a mistake.
 */

/** A text, or why there is none. An empty problem means that it was already said elsewhere. */
export type Interpolated =
  | { readonly text: string; readonly problem?: undefined }
  | { readonly problem: string; readonly text?: undefined };

/** Replaces the references in `text`; `lookup` is given names in lower case. The first problem ends it. */
export function interpolate(text: string, lookup: (name: string) => Interpolated): Interpolated {
  let result = '';
  let end = 0;
  for (const match of text.matchAll(/%(%|\(([^()]+)\)s)?/g)) {
    const replacement = replace(match[1], match[2], lookup);
    if (replacement.problem !== undefined) return replacement;
    result += text.slice(end, match.index) + replacement.text;
    end = match.index + match[0].length;
  }
  return { text: result + text.slice(end) };
}

function replace(all: string | undefined, name: string | undefined, lookup: (name: string) => Interpolated): Interpolated {
  if (name !== undefined) return lookup(name.toLowerCase());
  return all === '%' ? { text: '%' } : { problem: 'holds a "%" that is neither "%%" nor "%(option)s"' };
}
