import { createPreference } from "../ui/preference";

/** Whether keys without Ctrl do nothing: they disturb people who speak to their computer. */
export const singleKeys = createPreference("segments:keys", ["off"]);
