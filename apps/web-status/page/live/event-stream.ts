/** Reads `text/event-stream` as it comes (HTML standard, section 9.2.6), as far as our server writes it. */

/** One event. */
export interface StreamEvent {
  readonly name: string;
  readonly data: string;
}

/** Cuts text into events; it may be cut anywhere. */
export class EventStreamReader {
  #rest = '';

  /** The events that are complete with this text. */
  read(text: string): readonly StreamEvent[] {
    const blocks = (this.#rest + text).replaceAll('\r\n', '\n').split('\n\n');
    this.#rest = blocks.pop() ?? '';
    return blocks.flatMap((block) => {
      const lines = block.split('\n');
      const data = fields(lines, 'data');
      return data.length === 0 ? [] : [{ name: fields(lines, 'event').at(-1) ?? 'message', data: data.join('\n') }];
    });
  }
}

function fields(lines: readonly string[], name: string): readonly string[] {
  return lines.filter((line) => line.startsWith(`${name}:`)).map((line) => line.slice(name.length + 1).replace(/^ /, ''));
}
