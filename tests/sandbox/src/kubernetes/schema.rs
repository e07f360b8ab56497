//! Reading a body as an object of its kind: unknown fields, wrong types and base64, in the words of the decoder.

use base64::alphabet::STANDARD as ALPHABET;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, STANDARD};
use base64::{DecodeError, Engine};
use serde_json::{Map, Value};

use super::objects::members;
use super::routes::Resource;

/// Go's decoder does not look at the bits after the last byte.
const LENIENT: GeneralPurpose =
    GeneralPurpose::new(&ALPHABET, GeneralPurposeConfig::new().with_decode_allow_trailing_bits(true));

/// What a field holds.
enum Shape {
    Text,
    Flag,
    Number,
    /// Strings by name.
    Texts,
    /// Base64 by name.
    Bytes,
    TextList,
    Object(&'static [(&'static str, Shape)]),
    List(&'static [(&'static str, Shape)]),
    /// Taken as it is.
    Any,
}

const OWNER: &[(&str, Shape)] = &[
    ("apiVersion", Shape::Text),
    ("kind", Shape::Text),
    ("name", Shape::Text),
    ("uid", Shape::Text),
    ("controller", Shape::Flag),
    ("blockOwnerDeletion", Shape::Flag),
];
const METADATA: &[(&str, Shape)] = &[
    ("name", Shape::Text),
    ("generateName", Shape::Text),
    ("namespace", Shape::Text),
    ("selfLink", Shape::Text),
    ("uid", Shape::Text),
    ("resourceVersion", Shape::Text),
    ("generation", Shape::Number),
    ("creationTimestamp", Shape::Text),
    ("deletionTimestamp", Shape::Text),
    ("deletionGracePeriodSeconds", Shape::Number),
    ("labels", Shape::Texts),
    ("annotations", Shape::Texts),
    ("ownerReferences", Shape::List(OWNER)),
    ("finalizers", Shape::TextList),
    ("managedFields", Shape::Any),
];
const SECRET: &[(&str, Shape)] = &[
    ("apiVersion", Shape::Text),
    ("kind", Shape::Text),
    ("metadata", Shape::Object(METADATA)),
    ("immutable", Shape::Flag),
    ("data", Shape::Bytes),
    ("stringData", Shape::Texts),
    ("type", Shape::Text),
];
const REFERENCE: &[(&str, Shape)] = &[
    ("kind", Shape::Text),
    ("namespace", Shape::Text),
    ("name", Shape::Text),
    ("uid", Shape::Text),
    ("apiVersion", Shape::Text),
    ("resourceVersion", Shape::Text),
    ("fieldPath", Shape::Text),
];
const SERVICE_ACCOUNT: &[(&str, Shape)] = &[
    ("apiVersion", Shape::Text),
    ("kind", Shape::Text),
    ("metadata", Shape::Object(METADATA)),
    ("secrets", Shape::List(REFERENCE)),
    ("imagePullSecrets", Shape::List(&[("name", Shape::Text)])),
    ("automountServiceAccountToken", Shape::Flag),
];

/// What could be read of a body.
pub(crate) struct Decoded {
    /// Without what nobody knows, and without what is empty.
    pub(crate) object: Value,
    /// `unknown field "metadata.x"`, as the strict decoder says it.
    pub(crate) strict: Vec<String>,
}

/// Reads a body as an object of this kind; the error is the decoder's.
pub(crate) fn decode(resource: Resource, body: &Value) -> Result<Decoded, String> {
    let shape = if resource == Resource::Secrets { SECRET } else { SERVICE_ACCOUNT };
    let mut reader = Reader { kind: resource.kind(), strict: Vec::new() };
    let object = reader.object(shape, "", body)?;
    Ok(Decoded { object: Value::Object(object), strict: reader.strict })
}

struct Reader {
    kind: &'static str,
    strict: Vec<String>,
}

impl Reader {
    fn object(
        &mut self,
        shape: &'static [(&'static str, Shape)],
        path: &str,
        value: &Value,
    ) -> Result<Map<String, Value>, String> {
        let members = value.as_object().ok_or_else(|| self.wrong(path, value, "object"))?;
        let mut read = Map::new();
        for (name, value) in members {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            match shape.iter().find(|(known, _)| known == name) {
                None => self.strict.push(format!("unknown field {}", Value::from(path))),
                Some(_) if value.is_null() => {}
                Some((_, shape)) => {
                    let value = self.value(shape, &path, value)?;
                    if !is_empty(&value) {
                        read.insert(name.clone(), value);
                    }
                }
            }
        }
        Ok(read)
    }

    fn value(&mut self, shape: &'static Shape, path: &str, value: &Value) -> Result<Value, String> {
        let fits = match shape {
            Shape::Any => true,
            Shape::Text => value.is_string(),
            Shape::Flag => value.is_boolean(),
            Shape::Number => value.is_i64(),
            Shape::Object(members) => return Ok(Value::Object(self.object(members, path, value)?)),
            Shape::List(members) => return self.list(members, path, value),
            Shape::TextList => value.as_array().is_some_and(|list| list.iter().all(Value::is_string)),
            Shape::Texts | Shape::Bytes => return self.map(matches!(shape, Shape::Bytes), path, value),
        };
        if fits { Ok(value.clone()) } else { Err(self.wrong(path, value, shape.go())) }
    }

    fn list(
        &mut self,
        shape: &'static [(&'static str, Shape)],
        path: &str,
        value: &Value,
    ) -> Result<Value, String> {
        let items = value.as_array().ok_or_else(|| self.wrong(path, value, "slice"))?;
        let items = items
            .iter()
            .enumerate()
            .map(|(index, item)| self.object(shape, &format!("{path}[{index}]"), item).map(Value::Object));
        items.collect::<Result<Vec<Value>, String>>().map(Value::Array)
    }

    fn map(&self, is_bytes: bool, path: &str, value: &Value) -> Result<Value, String> {
        let members = value.as_object().ok_or_else(|| self.wrong(path, value, "map"))?;
        let mut read = Map::new();
        for (name, value) in members {
            // An explicit null is an empty value, not a missing key.
            let text = if value.is_null() { Some("") } else { value.as_str() };
            let text =
                text.ok_or_else(|| self.wrong(path, value, if is_bytes { "[]uint8" } else { "string" }))?;
            let text = if is_bytes { recoded(text)? } else { text.to_owned() };
            read.insert(name.clone(), text.into());
        }
        Ok(read.into())
    }

    fn wrong(&self, path: &str, value: &Value, wanted: &str) -> String {
        let found = match value {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        format!("json: cannot unmarshal {found} into Go struct field {}.{path} of type {wanted}", self.kind)
    }
}

impl Shape {
    /// The decoder's word for it.
    fn go(&self) -> &'static str {
        match self {
            Self::Flag => "bool",
            Self::Number => "int64",
            Self::TextList => "[]string",
            _ => "string",
        }
    }
}

/// `omitempty`: what is empty is not there.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

/// Base64 as Go reads it, which takes line breaks, and as the server writes it again, without.
fn recoded(text: &str) -> Result<String, String> {
    let text: String = text.chars().filter(|symbol| !matches!(symbol, '\r' | '\n')).collect();
    let bytes = LENIENT.decode(&text).map_err(|error| {
        let at = match error {
            DecodeError::InvalidByte(at, _) | DecodeError::InvalidLastSymbol(at, _) => at,
            DecodeError::InvalidLength(_) | DecodeError::InvalidPadding => text.len() / 4 * 4,
        };
        format!("illegal base64 data at input byte {at}")
    })?;
    Ok(STANDARD.encode(bytes))
}

/// `stringData` goes over `data` and is never shown; what the path says anyway is not kept.
pub(crate) fn folded(mut object: Value) -> Value {
    let all = members(&mut object);
    all.remove("kind");
    all.remove("apiVersion");
    if let Some(Value::Object(texts)) = all.remove("stringData") {
        let data = members(all.entry("data").or_insert(Value::Null));
        data.extend(
            texts
                .into_iter()
                .map(|(key, text)| (key, STANDARD.encode(text.as_str().unwrap_or_default()).into())),
        );
    }
    object
}

/// Ready to be stored: folded, and a secret without a type is `Opaque`.
pub(crate) fn settled(resource: Resource, object: Value) -> Value {
    let mut object = folded(object);
    if resource == Resource::Secrets {
        members(&mut object).entry("type").or_insert_with(|| "Opaque".into());
    }
    object
}
