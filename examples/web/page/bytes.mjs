// Bytes from text: each four are five characters, the digits of a number to base 85, the most significant first. What is
// left over at the end is as many bytes as there are characters but one. assemble.py writes it; it takes 6 % less than
// base64.

export const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz!#$%:()*+-;,=.?@^_/{|}~';

export function bytesOf(text) {
  const values = new Uint8Array(128);
  for (let i = 0; i < DIGITS.length; i++) {
    values[DIGITS.charCodeAt(i)] = i;
  }
  const over = text.length % 5;
  const bytes = new Uint8Array(Math.floor(text.length / 5) * 4 + (over ? over - 1 : 0));
  for (let i = 0, to = 0; i < text.length; i += 5, to += 4) {
    let number = 0;
    for (let k = i; k < i + 5; k++) {
      number = number * 85 + (k < text.length ? values[text.charCodeAt(k)] : 84);
    }
    for (let k = 0; k < 4; k++) { // what lies beyond the end is not written
      bytes[to + k] = number >>> (24 - 8 * k);
    }
  }
  return bytes;
}
