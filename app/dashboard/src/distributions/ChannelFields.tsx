import { parseHeaders } from "./headers";

/** The channel in a form: a webhook or an email, with the texts of both. */
export interface ChannelText {
  kind: "webhook" | "email";
  url: string;
  /** One a line, as "Name: value". */
  headers: string;
  subject: string;
  body: string;
}

/** Throws an error if a line of the headers is none. */
export const toChannelInput = ({ kind, url, headers, subject, body }: ChannelText) =>
  kind === "webhook"
    ? { webhook: { url, headers: parseHeaders(headers) } }
    : { email: { subject, body } };

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
        <>
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
          <label>
            Headers, one per line
            <textarea
              rows={2}
              placeholder="Authorization: Bearer …"
              value={channel.headers}
              onChange={({ target }) => change({ headers: target.value })}
            />
          </label>
        </>
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
