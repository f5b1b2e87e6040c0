import { findWords } from "./problems";

/** Says what the API refuses in words of the page, and then in its own. */
export function ProblemText({ problem }: { problem: { code?: string; message: string } }) {
  const words = findWords(problem.code);
  if (!words) return problem.message;
  return (
    <>
      {words} <span className="hint">{problem.message}</span>
    </>
  );
}
