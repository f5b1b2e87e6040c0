import "./starters.css";
import { useQuery } from "@tanstack/react-query";
import { Link } from "wouter";
import { toFragment } from "../drafts/link";
import { routes } from "../routes";
import { STARTERS, toStarterDraft } from "./starters";

/** Segments to begin with. Each opens in the editor, filled in. */
export function StarterCards() {
  const { data: fragments } = useQuery({
    queryKey: ["starterFragments"],
    queryFn: () => Promise.all(STARTERS.map((starter) => toFragment(toStarterDraft(starter)))),
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (!fragments) return null;
  return (
    <>
      <p>Begin with one of these, and change it as you like:</p>
      <ul className="starters">
        {STARTERS.map(({ name, description }, index) => (
          <li key={name}>
            <Link href={routes.newSegment + (fragments[index] ?? "")}>{name}</Link>
            <p className="hint">{description}</p>
          </li>
        ))}
      </ul>
    </>
  );
}
