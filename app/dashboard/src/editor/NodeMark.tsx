import { describeValue, readGroup } from "../explanations/explanation";
import { useNodeMark } from "./editing";

/** Whether a condition holds for the customer with whom the filter is tried, and what they have. */
export function NodeMark({ nodeId }: { nodeId: string }) {
  const mark = useNodeMark(nodeId);
  if (!mark) return null;
  return (
    <p className={mark.holds ? "mark holds" : "mark fails"}>
      {mark.holds ? "✓ holds" : "✗ does not hold"}
      {!readGroup(mark) && `; the customer has: ${describeValue(mark.has)}`}
    </p>
  );
}
