import { useQuery } from "@tanstack/react-query";
import { forgetKey, readKey } from "../api/key";
import { viewerQuery } from "./viewer";

/** Makes this browser forget its key. Shown only if it has one. */
export function ForgetKeyButton() {
  const { data: viewer } = useQuery(viewerQuery);
  if (!viewer || !readKey()) return null;
  return (
    <button
      type="button"
      onClick={() => {
        forgetKey();
        // Nothing that the key has shown may stay in the memory of the page.
        window.location.reload();
      }}
    >
      Forget the key
    </button>
  );
}
