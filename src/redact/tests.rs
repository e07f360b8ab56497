//! No spelling of a secret survives, and our own words do.

use std::io::Write;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use proptest::prelude::*;

use super::*;

const TOKEN: &str = "dckr_pat_c4nary\"\\&+/=%<>0123456789";

fn knows(secrets: &[&str]) -> Scrubber {
    let mut scrubber = Scrubber::new();
    secrets.iter().for_each(|secret| scrubber.teach_login("acme", secret));
    scrubber
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&#34;")
        .replace('\'', "&apos;")
}

fn json(text: &str) -> String {
    let quoted = serde_json::to_string(text).unwrap();
    quoted[1..quoted.len() - 1].to_owned()
}

/// By encoders that are not the scrubber's own where there are others.
fn written(secret: &str, before: &str, behind: &str) -> Vec<String> {
    let longer = format!("{before}{secret}{behind}");
    let pair = format!("acme:{secret}");
    let mut all: Vec<String> = [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD]
        .iter()
        .map(|engine| engine.encode(&longer))
        .collect();
    all.extend([STANDARD.encode(&pair), URL_SAFE_NO_PAD.encode(&pair)]);
    let percent = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
    let form: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    let units: Vec<u16> = secret.encode_utf16().collect();
    let entities: String = secret.chars().map(|c| format!("&#{};", u32::from(c))).collect();
    let around = |text: String| format!("{before}{text}{behind}");
    all.push(STANDARD.encode(format!("{before}{}", STANDARD.encode(&longer))));
    all.push(URL_SAFE.encode(format!("{{\"auth\":\"{}\"}}", STANDARD.encode(&pair))));
    all.extend(
        [
            secret.to_owned(),
            json(secret),
            json(&json(secret)),
            json(&percent),
            html(secret),
            html(&json(secret)),
            percent.clone(),
            utf8_percent_encode(&percent, NON_ALPHANUMERIC).to_string(),
            form,
            entities,
            units.iter().map(|unit| format!("\\u{unit:04x}")).collect(),
            secret.escape_debug().to_string(),
            hex::encode(secret),
            hex::encode_upper(secret),
        ]
        .map(around),
    );
    all
}

/// What no shown text may have: the secret, and its forms that need no surroundings.
fn shows(text: &str, secret: &str) -> bool {
    let core = STANDARD_NO_PAD.encode(secret);
    let pair = STANDARD_NO_PAD.encode(format!("acme:{secret}"));
    let forms = [secret.to_owned(), json(secret), hex::encode(secret), hex::encode_upper(secret), core, pair];
    forms.iter().any(|form| text.contains(form.as_str()))
}

#[test]
fn no_spelling_of_a_token_passes_the_door_or_the_last_look() {
    let scrubber = knows(&[TOKEN]);
    for before in ["", "a", "ab", "a word: "] {
        for text in written(TOKEN, before, " and more") {
            for shown in [scrubber.outside(&text), scrubber.output(&text)] {
                assert!(shown.contains("***"), "{text}\n{shown}");
                assert!(!shows(&shown, TOKEN), "{text}\n{shown}");
            }
        }
    }
}

#[test]
fn the_beginning_of_a_token_is_cut_and_what_all_tokens_begin_with_is_not() {
    let scrubber = knows(&["dckr_pat_aBcDeFgHiJkL"]);
    assert_eq!(scrubber.outside("token dckr_pat_aBc… is bad"), "token ***… is bad");
    assert_eq!(scrubber.output("token dckr_pat_aBcDe… is bad\n"), "token ***… is bad\n");
    assert_eq!(scrubber.outside("a dckr_pat_ token"), "a dckr_pat_ token");
}

#[test]
fn every_secret_of_a_text_is_cut_however_they_overlap() {
    let scrubber = knows(&["aaaaaaaabbbbbbbb", "bbbbbbbbcccccccc", "bbbbbbbb"]);
    assert_eq!(scrubber.outside("x aaaaaaaabbbbbbbbcccccccc y bbbbbbbb"), "x *** y ***");
}

#[test]
fn words_that_hold_a_short_secret_are_left_out_and_our_own_stay() {
    let scrubber = knows(&["main", "hunter2"]);
    assert_eq!(scrubber.outside("the branch main is protected"), LEFT_OUT);
    assert_eq!(scrubber.outside("hex 68756e74657232"), LEFT_OUT);
    assert_eq!(scrubber.outside("nothing of it"), "nothing of it");
    let own = "aws:123456789012/us-east-1/secret/main  in sync\n";
    assert_eq!(scrubber.output(own), own);
}

#[test]
fn passwords_that_are_words_of_ours_cut_no_address_and_no_digest() {
    let scrubber = knows(&["main", "production", "docker-hub", "regcred", "0123456789ab"]);
    let own = "github:acme/production actions/DOCKER_HUB_TOKEN docker-hub regcred sync --expect 0123456789ab main\n";
    assert_eq!(scrubber.output(own), own);
    assert_eq!(scrubber.outside("repository production is gone"), "repository *** is gone");
}

#[test]
fn lines_of_a_key_are_secrets_by_themselves() {
    let line = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj";
    let key =
        format!("{{\n \"type\": \"service_account\",\n \"private_key\": \"-----BEGIN\\n{line}\\nxyz\"\n}}");
    let scrubber = knows(&[&key]);
    assert_eq!(scrubber.outside(&format!("bad line {line}")), "bad line ***");
    assert_eq!(
        scrubber.outside(&key.replace('\n', "")),
        "{ \"type\": \"service_account\", \"private_key\": \"-----BEGIN\\n***\\nxyz\"}"
    );
    assert_eq!(scrubber.outside("{\n \"type\": \"error\"}"), "{ \"type\": \"error\"}");
    let encoded = knows(&[&STANDARD.encode(&key)]);
    assert_eq!(encoded.outside(&format!("bad line {line}")), "bad line ***");
}

#[test]
fn the_door_shows_what_would_act_and_keeps_one_line_of_a_limit() {
    let scrubber = Scrubber::new();
    assert_eq!(scrubber.outside("a\u{1b}[1;1H\u{1b}[0Jb"), "a\\u{1b}[1;1H\\u{1b}[0Jb");
    assert_eq!(
        scrubber.outside("a\u{202e}b\u{3164}c\u{115f}\u{2028}d\u{e000}\u{feff}"),
        "a\\u{202e}b\\u{3164}c\\u{115f}\\u{2028}d\\u{e000}\\u{feff}"
    );
    assert_eq!(scrubber.outside(" two\r\n\tlines \u{a0} "), "two lines");
    assert_eq!(scrubber.outside("::add-mask::x"), "\\u{3a}:add-mask::x");
    assert_eq!(
        scrubber.outside("see ##[error]x and ##vso[task]"),
        "see ##\\u{5b}error]x and ##vso\\u{5b}task]"
    );
    assert_eq!(scrubber.outside("::1 and é 漢 ok"), "::1 and é 漢 ok");
    let long = scrubber.outside(&"é".repeat(1000));
    assert_eq!((long.chars().count(), long.chars().last()), (800, Some('…')));
}

#[test]
fn the_last_look_keeps_our_styles_and_line_ends_alone() {
    let scrubber = Scrubber::new();
    let own = "\u{1b}[1m\u{1b}[31merror:\u{1b}[0m x\n\ty\n";
    assert_eq!(scrubber.output(own), own);
    assert_eq!(scrubber.output("a\u{1b}[2Jb\u{202e}\r\n"), "a\\u{1b}[2Jb\\u{202e}\\u{d}\n");
    assert_eq!(
        scrubber.output("ok\n  \u{1b}[31m::set-output name=x::y\n"),
        "ok\n  \u{1b}[31m\\u{3a}:set-output name=x::y\n"
    );
}

#[test]
fn json_stays_json_and_keeps_the_order_of_its_fields() {
    let scrubber = knows(&["n0123456789abcdef", TOKEN]);
    let line = "{\"z\":\"a\\n0123456789abcdef\",\"a\":1}\n";
    assert_eq!(scrubber.output(line), line, "a line end before other text is no secret");
    let quoted = serde_json::json!({ "error": format!("quoted: {TOKEN}\u{202e}##[error]") }).to_string();
    let shown = scrubber.output(&quoted);
    assert!(shown.is_ascii() && !shown.contains("##["), "{shown}");
    let shown: Value = serde_json::from_str(&shown).unwrap();
    assert_eq!(shown["error"], "quoted: ***\u{202e}##[error]");
}

#[test]
fn a_secret_in_two_pieces_is_cut_from_what_is_written() {
    teach("s3cret-0123456789");
    let mut written = Vec::new();
    let mut writer = Writer::new(&mut written);
    for piece in ["one s3cret-01234", "56789 two\nand s3cret-", "0123456789"] {
        writer.write_all(piece.as_bytes()).unwrap();
    }
    drop(writer);
    assert_eq!(String::from_utf8(written).unwrap(), "one *** two\nand ***");
}

#[test]
fn markdown_of_foreign_words_is_text_and_nothing_else() {
    let written = markup::markdown("a|b <!-- c @acme #1 [x](y)");
    assert_eq!(written, "a\\|b &lt;!-- c @&#8203;acme \\#&#8203;1 \\[x\\](y)");
    assert_eq!(markup::markdown("see https://evil.example"), "see https:&#8203;//evil.example");
    assert_eq!(markup::markdown("a\ndigest=b"), "a\\\\u{a}digest=b");
    assert_eq!(markup::code("pulumi:infra/main"), "`pulumi:infra/main`");
    assert_eq!(markup::code("a`b|<!--"), "<code>a&#96;b&#124;&#60;&#33;--</code>");
    assert_eq!(markup::code("a\nb"), "<code>a&#92;u&#123;a&#125;b</code>");
}

#[test]
fn a_label_of_a_diagram_cannot_end_it() {
    assert_eq!(
        markup::mermaid("acme/api [\"x\"]\n```"),
        "acme/api #91;#34;x#34;#93;#92;u#123;a#125;#96;#96;#96;"
    );
    assert_eq!(markup::mermaid("%%{init}%%"), "#37;#37;#123;init#125;#37;#37;");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_spelling_of_any_secret_passes_in_any_surroundings(
        secret in "[ -~é漢]{12,40}",
        before in "[a-zA-Z0-9 .:é-]{0,20}",
        behind in "[a-zA-Z0-9 .:é-]{0,20}",
    ) {
        let scrubber = knows(&[&secret]);
        for text in written(&secret, &before, &behind) {
            let shown = scrubber.outside(&text);
            prop_assert!(shown.contains("***") && !shows(&shown, &secret), "{}\n{}", text, shown);
            prop_assert_eq!(&scrubber.outside(&shown), &shown, "a text that passed stays as it is");
        }
    }

    #[test]
    fn no_short_secret_passes_raw_or_in_json(secret in "[!-~]{1,7}", before in "[a-z ]{0,9}") {
        let scrubber = knows(&[&secret]);
        for text in [format!("{before}{secret}"), format!("{before}{}", json(&secret))] {
            prop_assert_eq!(scrubber.outside(&text), LEFT_OUT);
        }
    }

    #[test]
    fn our_own_words_survive(secret in "[!-~]{1,15}", own in "[a-zA-Z0-9 /:.*_-]{0,80}") {
        let scrubber = knows(&[&secret]);
        let own = format!("> {own}\n");
        prop_assert_eq!(&scrubber.output(&own), &own);
    }

    #[test]
    fn whatever_comes_is_one_line_that_acts_on_nothing(text in any::<String>()) {
        let shown = outside(&text);
        prop_assert!(!shown.chars().any(is_hidden) && shown.chars().count() <= 800, "{}", shown);
        prop_assert!(!shown.starts_with("::") || !shown[2..].contains("::"));
    }
}

#[test]
fn names_and_numbers_of_json_hold_no_secret_either() {
    let number = "12345678901234567890";
    let known = knows(&["dckr_pat_named-in-json", number]);
    let line = format!(r#"{{"dckr_pat_named-in-json":1,"at":[{number}],"ok":17}}"#);
    assert_eq!(known.output(&line), r#"{"***":1,"at":["***"],"ok":17}"#);
}

#[test]
fn a_text_that_ends_within_a_secret_is_told_from_a_question() {
    let known = knows(&["dckr_pat_c4nary"]);
    let basic = STANDARD.encode("acme:dckr_pat_c4nary");
    for open in ["401 for d", "401 for dckr_pat_c4nar", "%64", &basic[..9]] {
        assert!(known.may_go_on(open), "{open}");
    }
    for closed in ["Code: ", "Password for acme?", "401 for dckr_pat_c4nary "] {
        assert!(!known.may_go_on(closed), "{closed}");
    }
}

#[test]
fn a_secret_that_is_broken_over_lines_is_cut_whole() {
    let token = format!("dckr_pat_{}", "aZ09-_".repeat(25));
    let known = knows(&[&token]);
    let wrap = |text: &str, width: usize, end: &str| -> String {
        let lines: Vec<String> =
            text.as_bytes().chunks(width).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
        lines.join(end)
    };
    let encodings = [
        token.clone(),
        STANDARD.encode(&token),
        STANDARD.encode(format!("acme:{token}")),
        hex::encode(&token),
    ];
    for encoded in &encodings {
        for (width, end) in [(76, "\n"), (60, "\r\n"), (64, " "), (20, "\\n"), (76, "\\r\\n")] {
            let said = known.outside(&format!("403 for {} there", wrap(encoded, width, end)));
            assert!(said.starts_with("403 for ***") && said.ends_with(" there"), "{said}");
            assert!(said.len() < 24, "{said}");
        }
    }
    let short = knows(&["correct"]);
    assert_eq!(short.outside("cor rect and incor rect"), "cor rect and incor rect");
}
