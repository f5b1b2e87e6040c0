// Those that the server takes: none looks like another one.
const CHARACTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ";

/** Returns examples of the codes that the server generates by the pattern. */
export const sampleCodes = (pattern: string, count: number): string[] =>
  Array.from({ length: count }, () => pattern.replaceAll("#", randomCharacter));

const randomCharacter = () => CHARACTERS.charAt(Math.floor(Math.random() * CHARACTERS.length));
