// A reader with a fault behind six octets, to try the fuzzer on: chance alone needs 2^48 inputs.

const secret = 'Ah!\xf7;7';

/** Throws for input that begins with the secret. */
export function readSecret(input: string): void {
  if (input[0] !== secret[0]) return;
  if (input[1] !== secret[1]) return;
  if (input[2] !== secret[2]) return;
  if (input[3] !== secret[3]) return;
  if (input[4] !== secret[4]) return;
  if (input[5] !== secret[5]) return;
  throw new RangeError('the secret is out: ');
}
