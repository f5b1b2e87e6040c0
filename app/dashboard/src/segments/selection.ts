import type { SegmentSelection } from "./queries";
import { KIND_NAMES } from "./words";

/** Returns in words which segments are selected; an empty text for all of them. */
export function describeSelection({ search, kind, isUnused }: SegmentSelection): string {
  const conditions = [
    kind && `of the kind “${KIND_NAMES[kind]}”`,
    search && `with “${search}” in its name`,
    isUnused && "that nothing uses",
  ];
  return conditions.filter(Boolean).join(" ");
}
