//! What regcred's reader of `.env` files sees in texts, for a judge: a JSON list of texts in, a list of answers out, each the
//! values by name, the later one of two, and null where it is not clear what programs would take.

use std::io::{Error, Write, stdin, stdout};

use regcred::dotenv;
use serde_json::{Map, Value};

fn main() -> Result<(), Error> {
    let texts: Vec<String> = serde_json::from_reader(stdin())?;
    let answers: Vec<Value> = texts.iter().map(|text| answer(text)).collect();
    writeln!(stdout(), "{}", Value::from(answers))
}

fn answer(text: &str) -> Value {
    let variables = dotenv::variables(text).into_iter();
    let values = variables.map(|variable| (variable.name.to_owned(), Value::from(variable.value.ok())));
    Value::Object(values.collect::<Map<_, _>>())
}
