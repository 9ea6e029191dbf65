// Schema: a JSON schema in, rows of name, type and meaning out.

const DEEPEST = 5;

const follow = (schema, schemas) => (schema.$ref ? schemas[schema.$ref.split("/").at(-1)] : schema);

/** Say in a few words what a value is. */
export function kindOf(schema, schemas) {
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" or ");
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return choices.map((choice) => kindOf(choice, schemas)).join(" or ");
  if (schema.$ref) return kindOf(follow(schema, schemas), schemas);
  if (schema.type === "array") return schema.items ? `list of ${kindOf(schema.items, schemas)}` : "list";
  if (schema.type === "object" && schema.additionalProperties?.type) return "object of any keys";
  return `${schema.type ?? "anything"}${boundsOf(schema)}`;
}

function boundsOf({ minimum, maximum, default: usual }) {
  const bounds = minimum === undefined ? "" : `, ${minimum} to ${maximum}`;
  return usual === undefined || usual === null ? bounds : `${bounds}, usually ${usual}`;
}

/** List the fields of an object, and of the objects in it. */
export function fieldsOf(schema, schemas, depth = 0) {
  const object = inside(schema, schemas);
  if (!object || depth > DEEPEST) return [];
  const required = new Set(object.required);
  const named = Object.entries(object.properties ?? {}).map(([name, value]) => [name, value, required.has(name)]);
  const values = object.additionalProperties;
  if (values && typeof values === "object") named.push(["any key", values, false]);
  return named.flatMap(([name, value, isRequired]) => [
    { name, kind: kindOf(value, schemas), meaning: value.description ?? "", depth, isRequired },
    ...fieldsOf(value, schemas, depth + 1),
  ]);
}

function inside(schema, schemas) {
  const target = follow(schema, schemas);
  if (target.type === "array") return target.items ? inside(target.items, schemas) : null;
  if (target.type === "object") return target;
  const choices = (target.anyOf ?? target.oneOf ?? []).map((choice) => inside(choice, schemas));
  return choices.find(Boolean) ?? null;
}
