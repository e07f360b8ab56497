//! Requests against the services' own models.
//!
//! `constraints.json` holds the input shapes of the operations used here, from botocore 1.44.5 (Apache-2.0) without
//! their documentation; patterns with Unicode classes (STS tags) are left out.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde_json::Value;

use super::error::AwsError;
use crate::calls::Service;
use crate::shape::{Shape, Violation, ViolationKind};

type Model = BTreeMap<String, BTreeMap<String, Shape>>;

/// In each service's words: ECR has its own, the others those of the common validation layer.
pub(crate) fn error(violation: &Violation, service: Service) -> AwsError {
    match (violation.kind, service) {
        (ViolationKind::Type, _) => AwsError::serialization(&violation.to_string()),
        (_, Service::Ecr) => AwsError::invalid_parameter(format!(
            "Invalid parameter at '{}' failed to satisfy constraint: '{}'",
            violation.path, violation.constraint
        )),
        (_, Service::Sts) => AwsError::front_door(400, "ValidationError", sentence(violation)),
        _ => AwsError::front_door(400, "ValidationException", sentence(violation)),
    }
}

fn sentence(violation: &Violation) -> String {
    format!("1 validation error detected: Value at {violation}")
}

/// What is wrong with this input, or an error for an operation that the model does not have.
pub(crate) fn check(service: Service, operation: &str, input: &Value) -> Result<Vec<Violation>, AwsError> {
    let shape =
        model().get(&service.to_string()).and_then(|operations| operations.get(operation)).ok_or_else(
            || AwsError::front_door(400, "UnknownOperationException", "This operation is not known here."),
        )?;
    Ok(shape.errors(input))
}

fn model() -> &'static Model {
    static MODEL: OnceLock<Model> = OnceLock::new();
    // A damaged file shows as "operation not known" at once; a test holds it to being whole.
    MODEL.get_or_init(|| serde_json::from_str(include_str!("constraints.json")).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use regex_lite::Regex;

    use super::*;

    #[test]
    fn every_pattern_of_the_model_compiles() {
        let all: Vec<&String> =
            model().values().flat_map(BTreeMap::values).flat_map(Shape::patterns).collect();
        assert!(all.len() > 10);
        for pattern in all {
            assert!(Regex::new(pattern).is_ok(), "{pattern}");
        }
    }

    #[test]
    fn the_model_has_every_operation_used_here() {
        let counts: Vec<usize> =
            ["ecr", "kms", "secretsmanager", "sts"].iter().map(|name| model()[*name].len()).collect();
        assert_eq!(counts, [5, 1, 16, 2]);
    }
}
