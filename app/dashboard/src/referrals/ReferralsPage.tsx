import { useQuery } from "@tanstack/react-query";
import { useRef } from "react";
import { useIsAdmin } from "../access/viewer";
import { Problem } from "../ui/Problem";
import { ProgramForm } from "./ProgramForm";
import { ProgramSection } from "./ProgramSection";
import { referralProgramsQuery } from "./queries";

/** The programs in which customers get rewards for those whom they refer. */
export function ReferralsPage() {
  const { data: programs, error, refetch } = useQuery(referralProgramsQuery);
  const isAdmin = useIsAdmin();
  const heading = useRef<HTMLHeadingElement>(null);
  return (
    <>
      <title>Referrals · Customer segments</title>
      <h1 tabIndex={-1} ref={heading}>
        Referrals
      </h1>
      <p>
        A customer who refers enough others reaches a tier of a referral program, and gets its
        reward once: points or a code.
      </p>
      {error && <Problem error={error} onRetry={refetch} />}
      {!programs && !error && <p className="waiting">Loading the referral programs …</p>}
      {programs?.length === 0 && <p>There are no referral programs yet.</p>}
      {programs?.map((program) => (
        <ProgramSection
          key={program.id}
          program={program}
          onDeleted={() => heading.current?.focus()}
        />
      ))}
      {isAdmin && programs && <ProgramForm onCreated={() => heading.current?.focus()} />}
    </>
  );
}
