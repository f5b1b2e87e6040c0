import type { AttributeInfo, Catalog } from "../editor/catalog";
import { ListField } from "../editor/ListField";
import { ScalarField } from "../editor/scalarFields";
import type { Change } from "./overrides";

// Nobody can change these, or a field can't show their values.
const FIXED_PATHS = ["sourceId", "createdAt", "updatedAt"];
const UNSUPPORTED_TYPES = ["OBJECT", "GEOPOINT"];

interface Props {
  change: Change;
  attributes: Catalog["attributes"];
  onChange: (change: Change) => void;
}

/** An attribute, and the value that it would have. */
export function ChangeRow({ change, attributes, onChange }: Props) {
  const attribute = attributes.find(({ path }) => path === change.path);
  return (
    <div className="toolbar">
      <label>
        Attribute
        <select
          value={change.path}
          onChange={({ target }) => onChange({ ...change, path: target.value, value: undefined })}
        >
          <option value="">Choose an attribute</option>
          {attributes.filter(canChange).map(({ path, label }) => (
            <option key={path} value={path}>
              {label}
            </option>
          ))}
        </select>
      </label>
      {attribute && (
        <NewValue
          key={attribute.path}
          attribute={attribute}
          value={change.value}
          onChange={(value) => onChange({ ...change, value })}
        />
      )}
    </div>
  );
}

interface NewValueProps {
  attribute: Catalog["attributes"][number];
  value: unknown;
  onChange: (value: unknown) => void;
}

function NewValue({ attribute, value, onChange }: NewValueProps) {
  const { path, type, isArray, allowedValues } = attribute;
  const field = { type, value, onChange, source: { path }, allowedValues };
  if (isArray) return <ListField label="New values" {...field} />;
  return <ScalarField label="New value" {...field} />;
}

const canChange = ({ path, type }: AttributeInfo) =>
  !FIXED_PATHS.includes(path) && !UNSUPPORTED_TYPES.includes(type);
