/** The secret of a webhook, which the server never shows again; nothing without one. */
export function SecretNotice({ secret }: { secret: string | null | undefined }) {
  if (!secret) return null;
  return (
    <p className="notice">
      The secret of its signatures, shown only now: <code>{secret}</code>
    </p>
  );
}
