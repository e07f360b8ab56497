//! The password of an account at Docker Hub, where nothing but a person gives it.

use regcred_sandbox::registry::Account;

use crate::place::{Place, TOKEN, USER};
use crate::rotate::{PASSWORD, accepts, flat, place, stored};
use crate::sources::terminal::on_a_terminal;
use crate::sources::{program, seen};

const ASKED: &str = "    mint: { login: {} }\n";
const PROMPT: &str = "Password of acme at Docker Hub (not shown): ";
const MINT: &str = "rotate --mint --yes";

/// The token is with two programs, each of which writes down all that it is given.
fn with_programs() -> Place {
    let store = format!("{ASKED}    store: {{ command: [take] }}\n");
    let mut place = place(&store);
    let from = "from: { command: { run: [give], username: acme } }";
    place.edit("regcred.yaml", "from: { file: token }", from);
    program(&mut place, "give", "sed -n 2p token");
    let taken = "{ echo acme; sed -n 's/^input: //p' take.seen; } > token";
    program(&mut place, "take", taken);
    place
}

#[test]
fn the_password_is_asked_for_once_and_not_shown_and_no_program_gets_it() {
    let place = with_programs();
    place.sandbox.clear_calls();
    let (code, shown) = on_a_terminal(&place, MINT, &[(PROMPT, PASSWORD)]);
    assert_eq!(code, 0, "{shown}");
    let new = stored(&place);
    assert!(new.starts_with("dckr_pat_") && new != TOKEN && accepts(&place, &new));
    assert_eq!(shown.matches("Password of").count(), 1, "{shown}");
    assert!(!shown.contains(PASSWORD) && !shown.contains(&new), "{shown}");
    for name in ["give", "take"] {
        let seen = seen(&place, name);
        assert!(seen.contains("args: ") && seen.contains("HOME="), "{name} was not started");
        assert!(!seen.contains(PASSWORD), "{name}: {seen}");
    }
    // The program that stores gets the token on its standard input alone.
    let taken = seen(&place, "take");
    assert_eq!(taken.matches(new.as_str()).count(), 1, "{taken}");
    assert!(taken.contains(&format!("input: {new}")), "{taken}");
    assert_eq!(place.sandbox.violations(), [""; 0]);
}

#[test]
fn an_account_with_a_second_factor_is_refused_at_the_terminal_with_the_reason() {
    let place = place(ASKED);
    let second_factor = |account: &mut Account| account.second_factor = Some("123456".to_owned());
    second_factor(place.sandbox.state().registry.accounts.get_mut(USER).unwrap());
    let (code, shown) = on_a_terminal(&place, MINT, &[(PROMPT, PASSWORD)]);
    assert_eq!(code, 1, "{shown}");
    let said = flat(&shown);
    assert!(said.contains("second factor") && said.contains("and hand it in"), "{shown}");
    assert!(!shown.contains(PASSWORD) && shown.matches("Password of").count() == 1, "{shown}");
    assert_eq!(stored(&place), TOKEN);
}

#[test]
fn a_password_is_not_asked_for_where_nobody_can_answer_and_the_line_to_write_is_told() {
    let place = place(ASKED);
    let hint = "mint: { login: { command: [PROGRAM, ARGUMENT] } }";
    place.run(&["rotate", "--mint", "--yes"]).ends(3).complains("nobody can be asked").complains(hint);
    let (code, shown) = on_a_terminal(&place, "rotate --mint --yes --no-input", &[]);
    assert_eq!(code, 3, "{shown}");
    assert!(flat(&shown).contains(hint) && !shown.contains("Password of"), "{shown}");
    // Nothing but making and retiring tokens needs it.
    let ran = place.run(&["rotate", "--yes"]);
    ran.ends(0).says("No changes");
    assert!(flat(&ran.stdout).contains("without an account's password"), "{}", ran.stdout);
}
