import "./keyboard.css";
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useRef, useState } from "react";
import { useLocation } from "wouter";
import { customerSearch } from "../customers/queries";
import { segmentSearch } from "../editor/queries";
import { ComboboxField } from "../ui/ComboboxField";
import { Modal } from "../ui/Modal";
import { useDebounced } from "../ui/useDebounced";
import { type FinderItem, toFinderItems } from "./finderItems";

const LABEL = "Segment, customer or page";

/** Finds segments, customers and pages by a text, and opens the chosen one. */
export function FinderDialog({ onClose }: { onClose: () => void }) {
  const [, navigate] = useLocation();
  const dialog = useRef<HTMLDialogElement>(null);
  const [text, setText] = useState("");
  const settledText = useDebounced(text);
  const options = { enabled: settledText !== "", placeholderData: keepPreviousData };
  const segments = useQuery({ ...segmentSearch(settledText), ...options });
  const customers = useQuery({ ...customerSearch(settledText), ...options });
  const error = segments.error ?? customers.error;
  const isSearching = settledText !== text || segments.isFetching || customers.isFetching;
  const items = settledText
    ? toFinderItems(text, segments.data ?? [], customers.data ?? [])
    : toFinderItems(text, [], []);

  return (
    <Modal title="Find" className="finder" dialogRef={dialog} onClose={onClose}>
      <ComboboxField
        label={LABEL}
        value=""
        placeholder={LABEL}
        text={text}
        // Without a text the list is closed: after Escape, or a choice.
        onTextChange={(next) => (next === null ? dialog.current?.close() : setText(next))}
        items={items}
        isSearching={isSearching}
        headingOf={({ heading }) => heading}
        renderItem={renderItem}
        onChoose={({ href }) => navigate(href)}
      >
        {items.length === 0 && !isSearching && <span className="hint">Nothing found.</span>}
        {error && <span className="field-problem">{error.message}</span>}
      </ComboboxField>
    </Modal>
  );
}

function renderItem({ name, detail }: FinderItem) {
  return (
    <>
      {name}
      {detail && <span className="sentence">{detail}</span>}
    </>
  );
}
