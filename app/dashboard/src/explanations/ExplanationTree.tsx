import "./explanations.css";
import { JUNCTION_NAMES } from "../filter/node";
import { describeValue, type Explanation, readGroup } from "./explanation";

/** Why a filter holds for a customer or does not, condition by condition. */
export function ExplanationTree({ explanation }: { explanation: Explanation }) {
  return (
    <ul className="explanation">
      <ExplanationPart explanation={explanation} />
    </ul>
  );
}

function ExplanationPart({ explanation }: { explanation: Explanation }) {
  const { holds, wanted, has, segment } = explanation;
  const group = readGroup(explanation);
  return (
    <li>
      <span className={holds ? "holds" : "fails"}>{holds ? "✓" : "✗"}</span>{" "}
      <span className="visually-hidden">{holds ? "holds:" : "does not hold:"}</span>{" "}
      {group ? JUNCTION_NAMES[group.junction] : wanted}
      {!group && !segment && <span className="hint"> – has {describeValue(has)}</span>}
      {group && (
        <ul>
          {group.parts.map((part, index) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: the parts never change.
            <ExplanationPart key={index} explanation={part} />
          ))}
        </ul>
      )}
      {segment && (
        <ul>
          <ExplanationPart explanation={segment} />
        </ul>
      )}
    </li>
  );
}
