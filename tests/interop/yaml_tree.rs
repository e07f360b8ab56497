//! What regcred's reader of YAML sees in texts, for a judge: a JSON list of texts in, a list of answers out, each the trees
//! of the text's documents, or where and why it is refused.

use std::io::{Error, Write, stdin, stdout};

use regcred::yaml::{self, Kind, Node, Style};
use serde_json::{Map, Value, json};

fn main() -> Result<(), Error> {
    let texts: Vec<String> = serde_json::from_reader(stdin())?;
    let answers: Vec<Value> = texts.iter().map(|text| answer(text)).collect();
    writeln!(stdout(), "{}", Value::from(answers))
}

fn answer(text: &str) -> Value {
    let documents: Result<Vec<_>, _> = yaml::documents(text).collect();
    match documents {
        Err(error) => json!({ "refused": error.reason, "line": error.at.line, "column": error.at.column }),
        Ok(documents) => json!({
            "documents": documents.iter().map(|document| tree(&document.root)).collect::<Value>(),
            "flaws": documents.iter().flat_map(|document| &document.flaws).map(ToString::to_string).collect::<Value>(),
        }),
    }
}

/// A scalar as its text and whether it is plain, a list, or a map.
fn tree(node: &Node) -> Value {
    match &node.kind {
        Kind::Scalar(scalar) => json!([&*scalar.text, scalar.style == Style::Plain]),
        Kind::List(items) => json!({ "list": items.iter().map(tree).collect::<Value>() }),
        Kind::Map(entries) => {
            let entries = entries.iter().map(|entry| (entry.key.to_string(), tree(&entry.value)));
            json!({ "map": entries.collect::<Map<_, _>>() })
        }
    }
}
