import { Problem } from "../ui/Problem";
import type { MemberColumns } from "./useMemberColumns";

/** The columns of members, with ticks. */
export function MemberColumnChoice({ all, shown, toggle, readFields, error }: MemberColumns) {
  return (
    <details onToggle={readFields}>
      <summary>Columns</summary>
      {error && <Problem error={error} />}
      <fieldset className="choices">
        <legend>Columns besides the name</legend>
        {all.map((column) => (
          <label key={column.path}>
            <input
              type="checkbox"
              checked={shown.includes(column)}
              onChange={({ target }) => toggle(column.path, target.checked)}
            />{" "}
            {column.name}
          </label>
        ))}
      </fieldset>
    </details>
  );
}
