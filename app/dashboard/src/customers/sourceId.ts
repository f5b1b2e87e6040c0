export const MAX_SOURCE_ID_LENGTH = 255;

/** Whether a customer can have this source id. The API refuses a whole request with another one. */
export const isSourceId = (text: string) =>
  text.length <= MAX_SOURCE_ID_LENGTH && !text.includes("\0");
