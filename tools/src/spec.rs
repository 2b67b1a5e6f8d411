//! A tool's specification as models get it: a JSON schema made from the `Args` type, kept small, since
//! every byte is sent with every request.

use schemars::{JsonSchema, generate::SchemaSettings};
use serde::Serialize;
use serde_json::{Map, Value};

/// What a model is told about a tool.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ToolSpec {
    /// The tool's name.
    pub name: &'static str,
    /// What it does: the first paragraph of the arguments' documentation.
    pub description: String,
    /// The arguments as a JSON schema.
    pub parameters: Value,
}

impl ToolSpec {
    /// Returns the specification for a schema made by [`schema`].
    pub(crate) fn new(name: &'static str, mut schema: Value) -> Self {
        let about = schema.as_object_mut().and_then(|schema| schema.remove("description"));
        let about = about.as_ref().and_then(Value::as_str).unwrap_or_default();
        let description = about.split("\n\n").next().unwrap_or_default().replace('\n', " ");
        Self { name, description, parameters: schema }
    }
}

/// Returns the schema of an argument type without what models do not need.
pub(crate) fn schema<A: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.meta_schema = None;
        settings.inline_subschemas = true;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<A>().to_value();
    slim(&mut schema);
    schema
}

/// Takes out titles, number formats, defaults of null and the null alternative of optional arguments:
/// an optional argument is one that is not required.
fn slim(schema: &mut Value) {
    let Some(fields) = schema.as_object_mut() else { return };
    for noise in ["title", "format", "$schema"] {
        fields.remove(noise);
    }
    if fields.get("default") == Some(&Value::Null) {
        fields.remove("default");
    }
    if let Some(Value::Array(types)) = fields.get_mut("type") {
        types.retain(|name| name != "null");
        if let [single] = types.as_slice() {
            let single = single.clone();
            fields.insert("type".to_owned(), single);
        }
    }
    if let Some(Value::Array(variants)) = fields.get_mut("enum") {
        variants.retain(|variant| !variant.is_null());
    }
    if let Some(Value::Array(mut choices)) = fields.remove("anyOf") {
        choices.retain(|choice| choice.get("type").is_none_or(|name| name != "null"));
        match choices.as_slice() {
            [Value::Object(single)] => {
                let kept: Map<String, Value> = single.clone();
                for (key, value) in kept {
                    fields.entry(key).or_insert(value);
                }
            }
            _ => {
                fields.insert("anyOf".to_owned(), Value::Array(choices));
            }
        }
    }
    if let Some(Value::Object(properties)) = fields.get_mut("properties") {
        properties.values_mut().for_each(slim);
    }
    if let Some(items) = fields.get_mut("items") {
        slim(items);
    }
}
