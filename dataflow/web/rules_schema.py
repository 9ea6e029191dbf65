"""JSON schemas of the documents of rules, which are read by rules of their own."""

from dataflow.web.json_schema import Json

RULE: Json = {
    "type": "object",
    "description": "Compatible form: `fieldName`, `regex`, `include`, `name`. "
    "Richer form: `name` and `drop` or `keep`, a condition.",
}
RULES: Json = {
    "description": "A list of rules in their order, or an object with rules and outputs",
    "oneOf": [
        {"type": "array", "items": RULE},
        {
            "type": "object",
            "properties": {"rules": {"type": "array", "items": RULE}, "outputs": {"type": "array"}},
        },
    ],
}
SOURCES: Json = {
    "type": "object",
    "description": "Category by utm_source",
    "additionalProperties": {"type": "string"},
}
A_RULE = [{"name": "bots", "fieldName": "UA", "regex": ".*bot.*"}]
