import { createContext, type ReactNode, useContext, useId, useMemo, useState } from "react";
import { FieldProblemContext } from "../ui/fieldProblem";
import { useAnnouncement } from "../ui/Status";
import { useNodeProblem } from "./editing";
import { ProblemText } from "./ProblemText";
import { findWords } from "./problems";

const TYPED_FIELDS = "input:not([type=checkbox], [role=combobox]), textarea";

interface ShownProblem {
  /** The id of the text that says it. */
  textId: string;
  field: string | undefined;
}

const ShownProblemContext = createContext<ShownProblem | null>(null);

interface Props {
  nodeId: string;
  /** The fields of the node. */
  children: ReactNode;
}

/** The fields of a node, and what the API refuses in them: once the user has left the field. */
export function NodeProblems({ nodeId, children }: Props) {
  const problem = useNodeProblem(nodeId);
  const [isTyping, setTyping] = useState(false);
  const textId = useId();
  const shown = isTyping ? undefined : problem;
  const field = shown?.field;
  const context = useMemo(() => (shown ? { textId, field } : null), [shown, textId, field]);
  useAnnouncement(shown && `${findWords(shown.code) ?? ""} ${shown.message}`);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: the fields in it have the keys.
    <div
      onInput={({ target }) => setTyping((target as Element).matches(TYPED_FIELDS))}
      onBlur={() => setTyping(false)}
    >
      <ShownProblemContext value={context}>{children}</ShownProblemContext>
      {shown && (
        <p id={textId} className="field-problem">
          <ProblemText problem={shown} />
        </p>
      )}
    </div>
  );
}

/** Marks the controls of a field of the condition if the API refuses it. */
export function ConditionField({ name, children }: { name: string; children: ReactNode }) {
  const problem = useContext(ShownProblemContext);
  return (
    <FieldProblemContext value={problem?.field === name ? problem.textId : undefined}>
      {children}
    </FieldProblemContext>
  );
}
