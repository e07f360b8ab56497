//! One value of a text replaced, and nothing else.

use zeroize::Zeroizing;

/// The text with `new` in the place of `old`, of which every other byte stays. Where `old` stands several times, that one
/// gives way with which the text `fits`; nothing, if there is none.
pub(crate) fn respelled(
    text: &str,
    old: &str,
    new: &str,
    fits: impl Fn(&str) -> bool,
) -> Option<Zeroizing<String>> {
    if old.is_empty() {
        return None;
    }
    text.match_indices(old)
        .map(|(at, _)| {
            let (before, after) = (&text[..at], &text[at + old.len()..]);
            Zeroizing::new([before, new, after].concat())
        })
        .find(|text| fits(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_several_the_one_gives_way_that_fits() {
        let spelled = |fits: &dyn Fn(&str) -> bool| {
            respelled("# a\nx: a\ny: a\n", "a", "new", fits).map(|text| text.to_string())
        };
        assert_eq!(spelled(&|text| text.contains("x: new")).as_deref(), Some("# a\nx: new\ny: a\n"));
        assert_eq!(spelled(&|_| false), None);
        assert!(
            respelled("b", "a", "new", |_| true).is_none() && respelled("b", "", "new", |_| true).is_none()
        );
    }
}
