import { useQuery } from "@tanstack/react-query";
import type { Dispatch } from "react";
import { formatCount } from "../ui/formats";
import { Problem } from "../ui/Problem";
import { type Chosen, type ChosenEdit, type ChosenGroup, toGroupFilter } from "./chosen";
import { groupQuery } from "./queries";

interface Props {
  groups: Chosen["groups"];
  edit: Dispatch<ChosenEdit>;
  /** Is called before the button that has the focus goes. */
  onLostFocus: () => void;
}

/** Those customers of a new list whom filters select. */
export function ChosenGroups({ groups, edit, onLostFocus }: Props) {
  if (groups.length === 0) return null;
  return (
    <>
      <ul className="groups">
        {groups.map((group) => (
          <Group
            key={group.id}
            group={group}
            onRemove={() => {
              onLostFocus();
              edit({ type: "removeGroup", id: group.id });
            }}
          />
        ))}
      </ul>
      <p className="hint">
        Who matches when the list is created is in it. Untick single customers in the search.
      </p>
    </>
  );
}

function Group({ group, onRemove }: { group: ChosenGroup; onRemove: () => void }) {
  const { data, error, refetch } = useQuery(groupQuery(toGroupFilter(group)));
  const count = data ? formatCount(data.memberCount, "customer") : "Counting …";
  return (
    <li>
      <p>
        All who match a filter: {count}{" "}
        <button
          type="button"
          aria-label={`Remove all who match: ${data?.filterText ?? "a filter"}`}
          onClick={onRemove}
        >
          Remove
        </button>
      </p>
      {data && <p className="sentence">{data.filterText}</p>}
      {error && <Problem error={error} onRetry={refetch} />}
    </li>
  );
}
