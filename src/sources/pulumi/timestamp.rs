//! Dates and times in YAML, as the library that Pulumi reads with takes them (`resolve.go`, `parseTimestamp`).

use std::ops::RangeInclusive;

use chrono::NaiveDate;

/// The four forms of Go's `allowedTimestampFormats`, as the string that Go prints for them.
pub(super) fn text(word: &str) -> Option<String> {
    let (date, rest) = match word.find(['T', 't', ' ']) {
        Some(split) => (&word[..split], Some(&word[split..])),
        None => (word, None),
    };
    let date = date_of(date)?;
    let (clock, zone) = match rest {
        None => ("00:00:00".to_owned(), "+0000 UTC".to_owned()),
        Some(rest) => clock_and_zone(rest)?,
    };
    Some(format!("{} {clock} {zone}", date.format("%Y-%m-%d")))
}

fn date_of(text: &str) -> Option<NaiveDate> {
    let mut parts = text.split('-');
    let year = digits(parts.next()?, 4..=4)?;
    let month = digits(parts.next()?, 1..=2)?;
    let day = digits(parts.next()?, 1..=2)?;
    if parts.next().is_some() {
        return None;
    }
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)
}

/// `T12:30:00Z`, `t12:30:00+02:00` or ` 12:30:00`, which has no zone.
fn clock_and_zone(text: &str) -> Option<(String, String)> {
    let body = &text[1..];
    if text.starts_with(' ') {
        return Some((clock(body)?, "+0000 UTC".to_owned()));
    }
    let split = body.find(['Z', '+', '-'])?;
    Some((clock(&body[..split])?, zone(&body[split..])?))
}

fn clock(text: &str) -> Option<String> {
    let (whole, fraction) = text.split_once(['.', ',']).unwrap_or((text, ""));
    let mut parts = whole.split(':');
    let mut part = |limit| {
        let value = digits(parts.next()?, 1..=2)?;
        (value < limit).then_some(value)
    };
    let (hour, minute, second) = (part(24)?, part(60)?, part(60)?);
    if parts.next().is_some() || (whole.len() < text.len() && digits(fraction, 1..=9).is_none()) {
        return None;
    }
    let fraction = fraction.trim_end_matches('0');
    let dot = if fraction.is_empty() { "" } else { "." };
    Some(format!("{hour:02}:{minute:02}:{second:02}{dot}{fraction}"))
}

/// Go prints an offset without a name twice. (For its own local offset it prints that zone's name, which
/// depends on the machine; this reader prints what a machine in UTC would.)
fn zone(text: &str) -> Option<String> {
    if text == "Z" {
        return Some("+0000 UTC".to_owned());
    }
    let (hours, minutes) = text.get(1..)?.split_once(':')?;
    if digits(hours, 2..=2)? > 24 || digits(minutes, 2..=2)? > 60 {
        return None;
    }
    let offset = format!("{}{hours}{minutes}", &text[..1]);
    Some(match offset.as_str() {
        "+0000" | "-0000" => "+0000 UTC".to_owned(),
        _ => format!("{offset} {offset}"),
    })
}

fn digits(text: &str, length: RangeInclusive<usize>) -> Option<u32> {
    let good = length.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    good.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_times_become_the_text_that_go_prints() {
        for (word, expected) in [
            ("2020-01-02", "2020-01-02 00:00:00 +0000 UTC"),
            ("2020-1-2", "2020-01-02 00:00:00 +0000 UTC"),
            ("2020-01-02T03:04:05Z", "2020-01-02 03:04:05 +0000 UTC"),
            ("2020-01-02t3:4:5.120Z", "2020-01-02 03:04:05.12 +0000 UTC"),
            ("2020-01-02 03:04:05", "2020-01-02 03:04:05 +0000 UTC"),
            ("2020-01-02T03:04:05+02:00", "2020-01-02 03:04:05 +0200 +0200"),
            ("2020-01-02T03:04:05-00:00", "2020-01-02 03:04:05 +0000 UTC"),
        ] {
            assert_eq!(text(word).as_deref(), Some(expected), "{word}");
        }
    }

    #[test]
    fn words_that_only_look_like_dates_are_none() {
        for word in [
            "2020",
            "2020-02-30",
            "2020-01-02-03",
            "02020-01-02",
            "2020-01-02T03:04:05",
            "2020-01-02T24:00:00Z",
            "2020-01-02T03:04:05.Z",
            "2020-01-02T03:04:05+0200",
            "2020-01-02T03:04Z",
            "2020-01-02 03:04:05Z",
            "2020-01-02T",
            "T",
            " ",
            "",
        ] {
            assert_eq!(text(word), None, "{word}");
        }
    }
}
