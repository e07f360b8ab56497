//! Somebody at the terminal.

use super::*;

/// A terminal of its own for a run, by util-linux's `script`; what it shows.
pub(crate) fn on_a_terminal(place: &Place, args: &str, answers: &[(&str, &str)]) -> (i32, String) {
    after(place, "tty > tty.name", args, answers)
}

/// The same, after commands of a shell.
fn after(place: &Place, setup: &str, args: &str, answers: &[(&str, &str)]) -> (i32, String) {
    let line = format!("{setup}; exec '{}' {args}", env!("CARGO_BIN_EXE_regcred"));
    let own = place.command(&[]);
    let mut child = Command::new("script")
        .args(["-qec", &line, "/dev/null"])
        .current_dir(place.repo())
        .env_clear()
        .envs(own.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .env("SHELL", "/bin/sh")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut shown = Vec::new();
    for (prompt, answer) in answers {
        while !String::from_utf8_lossy(&shown).ends_with(prompt) {
            let byte = stdout.fill_buf().unwrap().first().copied();
            shown
                .push(byte.unwrap_or_else(|| panic!("no {prompt:?} in {}", String::from_utf8_lossy(&shown))));
            stdout.consume(1);
        }
        while prompt.contains("not shown") && echoes(place) {}
        writeln!(stdin, "{answer}").unwrap();
    }
    stdout.read_to_end(&mut shown).unwrap();
    (child.wait().unwrap().code().unwrap_or(-1), String::from_utf8_lossy(&shown).into_owned())
}

/// Whether the terminal still shows what is typed: the prompt is there a moment before that ends.
fn echoes(place: &Place) -> bool {
    let name = std::fs::read_to_string(place.repo().join("tty.name")).unwrap();
    let settings = Command::new("stty").args(["-a", "-F", name.trim()]).output().unwrap();
    !String::from_utf8_lossy(&settings.stdout).contains("-echo ")
}

#[test]
fn whoever_sits_at_the_terminal_is_asked_and_the_token_is_not_shown() {
    let asked = place("stdin");
    let prompts = [("User name of docker-hub: ", USER), ("Token of docker-hub (not shown): ", TOKEN)];
    let (code, shown) = on_a_terminal(&asked, "sync --yes", &prompts);
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains(USER) && !shown.contains(TOKEN), "{shown}");
    assert_holds(&asked.sandbox.state(), TOKEN);

    let (code, shown) = on_a_terminal(&asked, "plan --no-input", &[]);
    assert_eq!(code, 3, "{shown}");
    assert!(shown.contains("is not allowed to ask"), "{shown}");
}

#[test]
fn a_narrow_terminal_tears_no_word_and_what_moves_stays_one_line() {
    let mut place = place("env");
    place.set("DOCKER_HUB_USERNAME", USER);
    place.set("DOCKER_HUB_TOKEN", TOKEN);
    place.set("TERM", "xterm");
    let (code, shown) = after(&place, "stty cols 60 rows 24", "sync --yes", &[]);
    assert_eq!(code, 0, "{shown}");
    let plain = anstream::adapter::strip_str(&shown).to_string();
    let lines: Vec<&str> = plain.split(['\r', '\n']).map(str::trim_end).collect();
    let moving: Vec<&&str> =
        lines.iter().filter(|line| line.starts_with(|c| ('⠁'..='⣿').contains(&c))).collect();
    assert!(!moving.is_empty() && moving.iter().all(|line| line.chars().count() <= 60), "{moving:?}");
    let wide = |line: &&&str| line.chars().count() > 60 && line.matches(' ').count() > 6;
    assert_eq!(lines.iter().find(wide), None, "{shown}");
}

#[test]
fn a_terminal_that_prints_only_line_after_line_is_told_what_goes_on() {
    let mut place = place("env");
    place.set("DOCKER_HUB_USERNAME", USER);
    place.set("DOCKER_HUB_TOKEN", TOKEN);
    place.set("TERM", "dumb");
    let (code, shown) = on_a_terminal(&place, "sync --yes", &[]);
    assert_eq!(code, 0, "{shown}");
    assert!(shown.contains("Proving the credential and reading"), "{shown}");
    assert!(shown.contains("done    github:acme/api/") && shown.contains("Done: "), "{shown}");
    assert!(!shown.contains('\u{1b}'), "{shown:?}");
}
