import { useQuery } from "@tanstack/react-query";
import { useId, useState } from "react";
import { Link } from "wouter";
import { CustomerLink } from "../customers/CustomerLink";
import { formatInstant } from "../ui/formats";
import { Problem } from "../ui/Problem";
import { useAnnouncement } from "../ui/Status";
import { hrefOfGiver } from "./PoolUses";
import { type CodeRecipient, codeRecipientsQuery } from "./queries";

/** Says who got a code. */
export function CodeSearch() {
  const [text, setText] = useState("");
  const [code, setCode] = useState<string | null>(null);
  const heading = useId();
  return (
    <section aria-labelledby={heading}>
      <h2 id={heading}>Whose is this code?</h2>
      <form
        className="toolbar"
        onSubmit={(event) => {
          event.preventDefault();
          setCode(text.trim());
        }}
      >
        <label>
          Code
          <input required value={text} onChange={({ target }) => setText(target.value)} />
        </label>
        <button type="submit">Find the customer</button>
      </form>
      {code && <Recipients code={code} />}
    </section>
  );
}

function Recipients({ code }: { code: string }) {
  const { data: recipients, error, refetch } = useQuery(codeRecipientsQuery(code));
  const answer = recipients && describeAnswer(code, recipients.length);
  useAnnouncement(answer);
  if (error) return <Problem error={error} onRetry={refetch} />;
  if (!recipients) return <p className="waiting">Searching …</p>;
  return (
    <>
      <p>{answer}</p>
      {recipients.length > 0 && (
        <ul>
          {recipients.map((recipient) => (
            <li key={`${recipient.at} ${recipient.customer?.id} ${recipient.giver?.id}`}>
              <Recipient recipient={recipient} />
            </li>
          ))}
        </ul>
      )}
    </>
  );
}

function describeAnswer(code: string, count: number): string {
  if (count === 0) return `No customer has got ${code}. Case counts.`;
  return count === 1 ? `${code} was given to:` : `${code} is a code of several pools, given to:`;
}

function Recipient({ recipient: { at, customer, giver } }: { recipient: CodeRecipient }) {
  return (
    <>
      {customer ? <CustomerLink customer={customer} /> : "a deleted customer"}, {formatInstant(at)},
      by{" "}
      {giver && "name" in giver ? (
        <Link href={hrefOfGiver(giver.id, giver)}>{giver.name}</Link>
      ) : (
        "something that is deleted"
      )}
    </>
  );
}
