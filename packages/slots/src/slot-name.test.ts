import { expect, test } from 'vitest';
import { InvalidSlotNameError } from './errors.ts';
import { validateSlotName } from './slot-name.ts';

test.each(['barman', 'a', '0', '_', 'x'.repeat(63), 'barman_2'])('takes %j', (name) => {
  expect(() => validateSlotName(name)).not.toThrow();
});

test.each([
  ['', 'replication slot name "" is too short'],
  ['x'.repeat(64), `replication slot name "${'x'.repeat(64)}" is too long`],
  ['Barman', 'replication slot name "Barman" contains invalid character'],
  ['bar-man', 'replication slot name "bar-man" contains invalid character'],
  ['bar man', 'replication slot name "bar man" contains invalid character'],
  ['barmän', 'replication slot name "barmän" contains invalid character'],
  ['barman\n', 'replication slot name "barman\n" contains invalid character'],
  ['b"; DROP_REPLICATION_SLOT "x', 'replication slot name "b"; DROP_REPLICATION_SLOT "x" contains invalid character'],
])('refuses %j', (name, message) => {
  let caught: unknown;
  try {
    validateSlotName(name);
  } catch (error) {
    caught = error;
  }
  expect(caught).toBeInstanceOf(InvalidSlotNameError);
  expect(caught).toMatchObject({
    code: 'ERR_INVALID_SLOT_NAME',
    retry: 'fatal',
    slotName: name,
    message,
    hint: expect.any(String),
  });
});
