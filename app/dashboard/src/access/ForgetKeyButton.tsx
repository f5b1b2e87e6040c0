import { useQuery } from "@tanstack/react-query";
import { forgetKey, readKey } from "../api/key";
import { forgetDrafts } from "../drafts/storage";
import { forgetPresets } from "../exports/presets";
import { forgetChosenPaths } from "../segments/memberColumns";
import { viewerQuery } from "./viewer";

/** Makes this browser forget its key, and the drafts and columns kept with it. Shown only if it has one. */
export function ForgetKeyButton() {
  const { data: viewer } = useQuery(viewerQuery);
  if (!viewer || !readKey()) return null;
  return (
    <button
      type="button"
      onClick={() => {
        forgetKey();
        forgetDrafts();
        forgetPresets();
        forgetChosenPaths();
        // Nothing that the key has shown may stay in the memory of the page.
        window.location.reload();
      }}
    >
      Forget the key
    </button>
  );
}
