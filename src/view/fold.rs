//! What is alike is said once: one line for hundreds of places hides nothing, hundreds of lines hide the odd one out.

/// Up to this many of a kind are listed one by one.
const FEW: usize = 3;

/// What is alike, each kind where its first one is. Of few each stays by itself, and so does everything if `all` is wanted.
pub(super) fn alike<'a, T, K: PartialEq>(
    items: &'a [T],
    kind: impl Fn(&T) -> K,
    all: bool,
) -> Vec<Vec<&'a T>> {
    if all {
        return items.iter().map(|item| vec![item]).collect();
    }
    let mut kinds: Vec<(K, Vec<(usize, &T)>)> = Vec::new();
    for (at, item) in items.iter().enumerate() {
        let key = kind(item);
        match kinds.iter_mut().find(|(known, _)| *known == key) {
            Some((_, found)) => found.push((at, item)),
            None => kinds.push((key, vec![(at, item)])),
        }
    }
    let apart = |found: Vec<(usize, &'a T)>| found.into_iter().map(|one| vec![one]).collect();
    let folded =
        kinds.into_iter().flat_map(|(_, found)| if found.len() <= FEW { apart(found) } else { vec![found] });
    let mut folded: Vec<Vec<(usize, &T)>> = folded.collect();
    folded.sort_by_key(|found| found[0].0);
    folded.into_iter().map(|found| found.into_iter().map(|(_, item)| item).collect()).collect()
}

/// The first of some names, with how many more there are.
pub(super) fn named(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [first, more @ ..] => format!("{first} and {} more", more.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_alike_is_told_once_where_its_first_one_is() {
        let items = ["a1", "b1", "a2", "c1", "a3", "b2", "a4"];
        let kind = |item: &&str| item.as_bytes()[0];
        let folded = alike(&items, kind, false);
        assert_eq!(folded, [vec![&"a1", &"a2", &"a3", &"a4"], vec![&"b1"], vec![&"c1"], vec![&"b2"]]);
        assert_eq!(alike(&items, kind, true).len(), items.len());
        assert_eq!(named(&["r1".to_owned(), "r2".to_owned(), "r3".to_owned()]), "r1 and 2 more");
    }
}
