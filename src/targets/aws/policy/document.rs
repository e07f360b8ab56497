//! A policy as it was found: its statements, and what of it AWS does not take back.

use serde_json::{Value, json};

use super::principal::is_dead;
use super::statement::Statement;
use super::{SID, texts};
use crate::model::Problem;

/// A policy's document.
#[derive(Clone, Debug)]
pub(super) struct Document(Value);

impl Document {
    /// Reads a policy; a secret may have none.
    ///
    /// # Errors
    /// If it is not a policy: then nothing may be put in its place.
    pub(super) fn parse(text: Option<&str>) -> Result<Self, Problem> {
        let Some(text) = text else { return Ok(Self(json!({ "Version": "2012-10-17", "Statement": [] }))) };
        let document: Option<Value> = serde_json::from_str(text).ok();
        let good = |document: &Value| match &document["Statement"] {
            Value::Array(statements) => statements.iter().all(Value::is_object),
            other => other.is_object(),
        };
        let unknown = || {
            Problem::outside(
                "the secret's policy is not one that IAM describes, so regcred does not replace it",
            )
            .hint("look at it: aws secretsmanager get-resource-policy --secret-id NAME")
        };
        document.filter(good).map(Self).ok_or_else(unknown)
    }

    /// All statements; a single one may stand without a list.
    fn statements(&self) -> Vec<&Value> {
        match &self.0["Statement"] {
            Value::Array(statements) => statements.iter().collect(),
            one => vec![one],
        }
    }

    /// Our statement.
    pub(super) fn ours(&self) -> Option<&Value> {
        self.statements().into_iter().find(|statement| is_ours(statement))
    }

    /// The statements of other people.
    pub(super) fn foreign(&self) -> Vec<Statement<'_>> {
        let variables = self.0["Version"] == "2012-10-17";
        let foreign = self.statements().into_iter().zip(1..).filter(|(statement, _)| !is_ours(statement));
        foreign.map(|(value, number)| Statement { value, number, variables }).collect()
    }

    /// The document with our statement behind those of other people, which stay as they were but for the
    /// dead.
    pub(super) fn with(&self, ours: Value) -> String {
        let foreign = self.foreign().into_iter().map(|statement| statement.value.clone());
        let mut statements: Vec<Value> = foreign.filter_map(living).collect();
        statements.push(ours);
        let mut document = self.0.clone();
        document["Statement"] = Value::Array(statements);
        document.to_string()
    }

    /// The deleted principals that the policy names, each with what becomes of its statement, in words.
    pub(super) fn dead(&self) -> Vec<(String, String)> {
        let dead = |statement: &Statement<'_>| {
            let named = ["Principal", "NotPrincipal"].map(|key| texts(&statement.value[key]["AWS"]));
            let goes = living(statement.value.clone()).is_none();
            let what = if goes { ", which is about nobody else and goes" } else { "" };
            let statement = format!("in {}{what}", statement.title());
            let dead = named.into_iter().flatten().filter(|name| is_dead(name));
            dead.map(|name| (name, statement.clone())).collect::<Vec<_>>()
        };
        self.foreign().iter().flat_map(dead).collect()
    }
}

fn is_ours(statement: &Value) -> bool {
    statement["Sid"] == SID
}

/// The statement without deleted principals, whose ids AWS does not take back: they are nobody, so it means
/// the same. Nothing if it was about nobody else; one that excepts nobody else is about everybody.
fn living(mut statement: Value) -> Option<Value> {
    for key in ["Principal", "NotPrincipal"] {
        let Some(kinds) = statement.get_mut(key).and_then(Value::as_object_mut) else { continue };
        let names = kinds.get("AWS").map(texts).unwrap_or_default();
        let alive: Vec<&String> = names.iter().filter(|name| !is_dead(name)).collect();
        if alive.len() == names.len() {
            continue;
        }
        if alive.is_empty() {
            kinds.remove("AWS")
        } else {
            kinds.insert("AWS".to_owned(), json!(alive))
        };
        match (kinds.is_empty(), key) {
            (false, _) => {}
            (true, "Principal") => return None,
            (true, _) => {
                statement.as_object_mut()?.remove(key);
                statement["Principal"] = json!("*");
            }
        }
    }
    Some(statement)
}
