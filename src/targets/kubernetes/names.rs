//! What namespaces and objects may be called in Kubernetes, and what selects labels.

/// What is wrong with a namespace's name, if anything (Kubernetes' documentation, "DNS label names").
#[must_use]
pub(super) fn label_fault(name: &str) -> Option<&'static str> {
    if name.len() > 63 { Some("is longer than 63 characters") } else { part_fault(name) }
}

fn part_fault(name: &str) -> Option<&'static str> {
    let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    if !name.chars().all(|c| word(c) || c == '-') {
        Some("may hold only a-z, 0-9 and -")
    } else if !name.starts_with(word) || !name.ends_with(word) {
        Some("begins and ends with a letter or digit")
    } else {
        None
    }
}

/// What is wrong with the name of a secret or service account, if anything (Kubernetes' documentation, "DNS subdomain
/// names").
#[must_use]
pub(super) fn object_fault(name: &str) -> Option<&'static str> {
    if name.len() > 253 {
        return Some("is longer than 253 characters");
    }
    name.split('.').find_map(part_fault)
}

/// What is wrong with a label selector, if anything (Kubernetes' documentation, "Labels and selectors").
#[must_use]
pub(super) fn selector_fault(selector: &str) -> Option<String> {
    let mut depth = 0_usize;
    let mut requirements = vec![String::new()];
    for character in selector.chars() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                requirements.push(String::new());
                continue;
            }
            _ => {}
        }
        requirements.last_mut()?.push(character);
    }
    if depth > 0 {
        return Some("a bracket is open".to_owned());
    }
    requirements.iter().find_map(|text| requirement_fault(text.trim()))
}

fn requirement_fault(text: &str) -> Option<String> {
    let legal = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    let is_key = |key: &str| {
        let name = key.split_once('/').map_or(key, |(_, name)| name);
        !name.is_empty() && key.chars().all(|c| legal(c) || c == '/')
    };
    let is_value = |value: &str| value.chars().all(legal);
    let set = |text: &str| {
        let (key, values) = text.split_once('(')?;
        let words: Vec<&str> = key.split_whitespace().collect();
        let [key, "in" | "notin"] = words.as_slice() else { return None };
        let values = values.strip_suffix(')')?;
        (is_key(key) && values.split(',').all(|value| is_value(value.trim()))).then_some(())
    };
    let good = if text.contains('(') {
        set(text).is_some()
    } else if let Some((key, value)) =
        text.split_once("!=").or_else(|| text.split_once("==")).or_else(|| text.split_once('='))
    {
        is_key(key.trim()) && is_value(value.trim())
    } else {
        is_key(text.strip_prefix('!').unwrap_or(text).trim())
    };
    (!good).then(|| {
        format!(
            "`{text}` is not one of NAME, !NAME, NAME=VALUE, NAME!=VALUE, NAME in (A, B), NAME notin (A, B)"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_kubernetes_refuses_are_named_for_what_is_wrong() {
        for name in ["default", "team-a", "0"] {
            assert_eq!(label_fault(name), None, "{name}");
        }
        for name in ["docker-hub", "a.b-c.d", &"x".repeat(253)] {
            assert_eq!(object_fault(name), None, "{name}");
        }
        for name in ["", "Team", "a_b", "-a", "a-", "a.b", &"x".repeat(64)] {
            assert!(label_fault(name).is_some(), "{name}");
        }
        for name in ["", "A", "a..b", ".a", "a-.b", &"x".repeat(254)] {
            assert!(object_fault(name).is_some(), "{name}");
        }
    }

    #[test]
    fn label_selectors_are_read_as_kubectl_reads_them() {
        for good in [
            "team",
            "!team",
            "team=a",
            "team == a",
            "team!=a",
            "team in (a, b)",
            "team notin (a),x=y",
            "runai/queue",
            "a.example.com/b-c=",
            "a=1,b,!c",
        ] {
            assert_eq!(selector_fault(good), None, "{good}");
        }
        for bad in
            ["", "a,,b", "team=a b", "team in a", "team in (a", "in (a)", "team of (a)", "te am", "a=b;c"]
        {
            assert!(selector_fault(bad).is_some(), "{bad}");
        }
    }
}
