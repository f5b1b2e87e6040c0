import "./menu.css";
import { type ReactNode, useId, useRef, useState } from "react";

interface Props {
  label: string;
  /** The items, which are rendered while the menu is open. */
  children: ReactNode;
}

/** A button that opens a menu. The browser closes it with Escape and with a press outside of it. */
export function MenuButton({ label, children }: Props) {
  const id = useId();
  const popover = useRef<HTMLDivElement>(null);
  const [isOpen, setOpen] = useState(false);
  return (
    <>
      <button
        type="button"
        aria-label={label}
        aria-haspopup="menu"
        aria-expanded={isOpen}
        popoverTarget={id}
        onKeyDown={(event) => {
          if (event.key !== "ArrowDown") return;
          event.preventDefault();
          popover.current?.showPopover();
        }}
      >
        ⋯
      </button>
      <div
        id={id}
        ref={popover}
        className="menu"
        popover="auto"
        onToggle={({ newState }) => setOpen(newState === "open")}
      >
        {isOpen && children}
      </div>
    </>
  );
}
