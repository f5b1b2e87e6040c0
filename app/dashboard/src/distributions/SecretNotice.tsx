import { useMutation } from "@tanstack/react-query";
import { ActionButton } from "../ui/ActionButton";
import { copyText } from "../ui/copyText";
import { announce } from "../ui/Status";

interface Props {
  /** The name of the distribution. */
  name: string;
  secret: string;
}

/** The secret that signs the webhooks of a distribution. The server never shows it again. */
export function SecretNotice({ name, secret }: Props) {
  const copy = useMutation({
    mutationFn: async () =>
      (await copyText(secret))
        ? "The secret is copied."
        : "The browser does not let the page copy: select the secret.",
    onSuccess: announce,
  });
  return (
    <div className="notice">
      <p>
        The signing secret of “{name}” is shown only now: <code>{secret}</code>
      </p>
      <ActionButton isPending={copy.isPending} onClick={() => copy.mutate()}>
        Copy the secret
      </ActionButton>{" "}
      {copy.data && <span className="hint">{copy.data}</span>}
    </div>
  );
}
