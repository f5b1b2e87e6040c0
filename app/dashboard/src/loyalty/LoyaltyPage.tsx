import { useQuery } from "@tanstack/react-query";
import { useRef } from "react";
import { useCanWrite, useIsAdmin } from "../access/viewer";
import { Problem } from "../ui/Problem";
import { PointsSection } from "./PointsSection";
import { ProgramForm } from "./ProgramForm";
import { ProgramSection } from "./ProgramSection";
import { loyaltyProgramsQuery } from "./queries";
import { RuleForm } from "./RuleForm";

/** Loyalty programs, the rules by which customers earn points, and the points of a customer. */
export function LoyaltyPage() {
  const { data: programs, error, refetch } = useQuery(loyaltyProgramsQuery);
  const canWrite = useCanWrite();
  const isAdmin = useIsAdmin();
  const heading = useRef<HTMLHeadingElement>(null);
  return (
    <>
      <title>Loyalty · Customer segments</title>
      <h1 tabIndex={-1} ref={heading}>
        Loyalty
      </h1>
      <p>
        Customers collect points in loyalty programs. An earning rule gives points to each customer
        who enters a segment.
      </p>
      {error && <Problem error={error} onRetry={refetch} />}
      {!programs && !error && <p className="waiting">Loading the loyalty programs …</p>}
      {programs?.length === 0 && <p>There are no loyalty programs yet.</p>}
      {programs?.map((program) => (
        <ProgramSection
          key={program.id}
          program={program}
          onDeleted={() => heading.current?.focus()}
        />
      ))}
      {programs && programs.length > 0 && (
        <>
          {canWrite && <RuleForm programs={programs} />}
          <PointsSection />
        </>
      )}
      {isAdmin && programs && <ProgramForm />}
    </>
  );
}
