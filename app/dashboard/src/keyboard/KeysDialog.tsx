import "./keyboard.css";
import { useRef, useSyncExternalStore } from "react";
import { EDITOR_KEYS } from "../editor/keys";
import { PAGES } from "../pages";
import { Modal } from "../ui/Modal";
import { singleKeys } from "./singleKeys";

type Shortcut = readonly [keys: string, effect: string];

const SINGLE_KEYS: readonly Shortcut[] = [
  ["?", "show these shortcuts"],
  ["/", "go to the search of the page"],
  ["j", "go to the next row; Enter opens it"],
  ["k", "go to the row before"],
  ["n", "make a segment, in the list of segments"],
  ...PAGES.map(({ name, key }): Shortcut => [`g ${key}`, `go to ${name}`]),
];

/** All keys. Those without Ctrl or Alt can be turned off. */
export function KeysDialog({ onClose }: { onClose: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const areOff = useSyncExternalStore(singleKeys.subscribe, singleKeys.get) === "off";
  return (
    <Modal title="Keyboard shortcuts" className="keys" dialogRef={dialog} onClose={onClose}>
      <label className="inline">
        <input
          type="checkbox"
          checked={!areOff}
          onChange={({ target }) => singleKeys.set(target.checked ? null : "off")}
        />
        Shortcuts without Ctrl or Alt work outside of fields
      </label>
      <ShortcutList
        title="Everywhere"
        shortcuts={[["Ctrl+K", "find segments, customers, pages"]]}
      />
      {!areOff && <ShortcutList title="Outside of fields" shortcuts={SINGLE_KEYS} />}
      <ShortcutList title="In the editor of a filter" shortcuts={EDITOR_KEYS} />
      <div className="toolbar">
        <button type="button" onClick={() => dialog.current?.close()}>
          Close
        </button>
      </div>
    </Modal>
  );
}

function ShortcutList({ title, shortcuts }: { title: string; shortcuts: readonly Shortcut[] }) {
  return (
    <section>
      <h3>{title}</h3>
      <dl>
        {shortcuts.map(([keys, effect]) => (
          <div key={keys}>
            <dt>
              <kbd>{keys}</kbd>
            </dt>
            <dd>{effect}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
