//! What a program says to whoever started it: shown line by line while it runs.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::time::timeout;
use zeroize::Zeroizing;

use super::MAX_OUTPUT;
use crate::redact;

/// A line that has no end after such a silence is a question.
pub(super) const SILENCE: Duration = Duration::from_millis(250);
/// More than any program says that waits for a person.
const MAX_LINES: usize = 200;
/// Longer than any address to open in a browser.
const MAX_LINE: usize = 2_000;

/// Reads a stream to its end and shows each line as it comes, and what has no end after `silence`; gives all of it, up to
/// one byte more than is taken.
pub(super) async fn follow(
    stream: impl AsyncRead + Unpin,
    silence: Duration,
    show: impl Fn(&str),
) -> io::Result<Zeroizing<Vec<u8>>> {
    let mut stream = stream.take(MAX_OUTPUT as u64 + 1);
    let mut said = Zeroizing::new(Vec::new());
    let (mut seen, mut left) = (0, MAX_LINES);
    loop {
        let begun = said.len() > seen;
        let read = stream.read_buf(&mut *said);
        let read = if begun { timeout(silence, read).await } else { Ok(read.await) };
        let read = read.ok().transpose()?;
        let ended = read == Some(0);
        // The rest at its end, and what is a question: none ends in the middle of a secret.
        let asks = read.is_none() && !redact::may_go_on(&String::from_utf8_lossy(&said[seen..]));
        let lines = if ended || asks { said.len() - seen } else { until_last_end(&said[seen..]) };
        show_lines(&said[seen..seen + lines], &mut left, &show);
        seen += lines;
        if ended {
            return Ok(said);
        }
    }
}

/// Programs that count go back to the beginning of their line.
fn is_end(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r')
}

fn until_last_end(bytes: &[u8]) -> usize {
    bytes.iter().rposition(|byte| is_end(*byte)).map_or(0, |last| last + 1)
}

fn show_lines(bytes: &[u8], left: &mut usize, show: &impl Fn(&str)) {
    let lines = bytes.split(|byte| is_end(*byte)).filter(|line| !line.trim_ascii().is_empty());
    for line in lines {
        match *left {
            0 => return,
            1 => show("… (it says more, which is not shown)"),
            _ => show(&plain(&String::from_utf8_lossy(line))),
        }
        *left -= 1;
    }
}

/// The text without colours and secrets; what else a terminal would obey, or nobody would see, is written out.
fn plain(text: &str) -> String {
    let text = redact::without_secrets(&anstream::adapter::strip_str(text).to_string()).replace('\t', " ");
    match text.char_indices().nth(MAX_LINE) {
        Some((end, _)) => redact::line(&text[..end]) + "…",
        None => redact::line(&text),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    fn shown(said: &[u8]) -> Vec<String> {
        let lines = RefCell::new(Vec::new());
        let following = follow(said, SILENCE, |line| lines.borrow_mut().push(line.to_owned()));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let all = runtime.block_on(following).expect("it can be read");
        assert_eq!(*all, said);
        lines.into_inner()
    }

    #[test]
    fn each_line_is_shown_and_nothing_in_it_moves_the_terminal() {
        assert_eq!(shown(b"open https://x\nand enter ABC\n\n"), ["open https://x", "and enter ABC"]);
        assert_eq!(shown(b"10 %\r20 %\rCode: "), ["10 %", "20 %", "Code: "]);
        assert_eq!(shown(b"\x1b[31mred\x1b[0m\tand \x7f\xff"), ["red and �"]);
        assert_eq!(shown("a\u{202e}b\u{200b}c\u{85}".as_bytes()), [r"a\u{202e}b\u{200b}c\u{85}"]);
    }

    #[test]
    fn a_secret_that_a_program_says_is_cut_however_short_it_is() {
        redact::teach("hunter2-x");
        assert_eq!(shown(b"401 for hunter2-x here\n"), ["401 for *** here"]);
        redact::teach("pw12");
        assert_eq!(shown(b"401 for pw12\n"), ["(words left out: they hold the secret)"]);
    }

    #[test]
    fn a_program_that_says_much_is_not_shown_to_its_end() {
        let lines = shown("x\n".repeat(300).as_bytes());
        assert_eq!(lines.len(), MAX_LINES);
        assert_eq!(lines.last().map(String::as_str), Some("… (it says more, which is not shown)"));
        assert_eq!(shown("y".repeat(MAX_LINE + 1).as_bytes()), ["y".repeat(MAX_LINE) + "…"]);
    }

    #[test]
    fn a_secret_in_two_pieces_is_not_shown_however_long_the_program_pauses_between_them() {
        let (secret, lines) = ("in-two-pieces-0123", RefCell::new(Vec::new()));
        redact::teach(secret);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
        let (mut program, stream) = tokio::io::duplex(64);
        let following = follow(stream, Duration::ZERO, |line| lines.borrow_mut().push(line.to_owned()));
        let saying = async {
            for piece in ["401 for in-two", "-pieces-0123 here\n"] {
                tokio::io::AsyncWriteExt::write_all(&mut program, piece.as_bytes())
                    .await
                    .expect("it is read");
                for _ in 0..10 {
                    tokio::task::yield_now().await;
                }
            }
            drop(program);
        };
        let (all, ()) = runtime.expect("a runtime").block_on(async { tokio::join!(following, saying) });
        assert!(all.is_ok());
        assert_eq!(lines.into_inner(), ["401 for *** here"]);
    }

    #[test]
    fn a_question_without_a_line_end_is_shown_while_the_program_waits_for_the_answer() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        let (mut program, stream) = tokio::io::duplex(64);
        let (tell, told) = tokio::sync::oneshot::channel();
        let tell = RefCell::new(Some(tell));
        let following = follow(stream, Duration::ZERO, |line| {
            let tell = tell.borrow_mut().take().expect("one line");
            tell.send(line.to_owned()).expect("somebody waits");
        });
        let asking = async {
            tokio::io::AsyncWriteExt::write_all(&mut program, b"Code: ").await.expect("it is read");
            let line = told.await.expect("it is shown before the program has ended");
            drop(program);
            line
        };
        let (all, line) = runtime.block_on(async { tokio::join!(following, asking) });
        assert_eq!((line.as_str(), all.expect("it can be read").as_slice()), ("Code: ", &b"Code: "[..]));
    }
}
