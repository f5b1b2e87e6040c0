/** The channel in a form: a webhook or an email, with the texts of both. */
export interface ChannelText {
  kind: "webhook" | "email";
  url: string;
  subject: string;
  body: string;
}

export const toChannelInput = ({ kind, url, subject, body }: ChannelText) =>
  kind === "webhook" ? { webhook: { url } } : { email: { subject, body } };

interface Props {
  channel: ChannelText;
  onChange: (channel: ChannelText) => void;
}

/** How a distribution reaches customers. */
export function ChannelFields({ channel, onChange }: Props) {
  const change = (fields: Partial<ChannelText>) => onChange({ ...channel, ...fields });
  return (
    <>
      <label>
        Channel
        <select
          value={channel.kind}
          onChange={({ target }) => change({ kind: target.value as ChannelText["kind"] })}
        >
          <option value="webhook">Webhook</option>
          <option value="email">Email</option>
        </select>
      </label>
      {channel.kind === "webhook" ? (
        <label>
          Address of the webhook
          <input
            type="url"
            required
            placeholder="https://"
            value={channel.url}
            onChange={({ target }) => change({ url: target.value })}
          />
        </label>
      ) : (
        <>
          <label>
            Subject
            <input
              required
              value={channel.subject}
              onChange={({ target }) => change({ subject: target.value })}
            />
          </label>
          <label>
            Text, with {"{{customer.name}}"}, {"{{segment.name}}"} and {"{{code}}"}
            <textarea
              required
              rows={4}
              value={channel.body}
              onChange={({ target }) => change({ body: target.value })}
            />
          </label>
        </>
      )}
    </>
  );
}
