//! What a rotation adds to a plan.

use chrono::NaiveDate;
use regcred::change::{Action, Options, Purpose, ReasonKind};
use regcred::model::{Address, Fingerprint, Problem};
use regcred::plan::Plan;
use regcred::registry::hub::{Label, Token, retired};
use regcred::rotation::{Hold, Home, Rotation, Wish, rotation};

use crate::case::*;
use crate::scenarios;

const SOURCE: &str = "source:docker-hub";
const OLD: &str = "hub:token/t1";

fn wish() -> Wish {
    Wish {
        credential: id(),
        source: "file:token".to_owned(),
        new: Some(ours()),
        present: Some(earlier()),
        is_token: true,
        old: Vec::new(),
        delete_until: None,
        keep_old: false,
        allow_delete: false,
        accept_unknown: false,
    }
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn token(id: &str, label: &str) -> Token {
    Token {
        id: id.to_owned(),
        label: label.to_owned(),
        is_active: true,
        created_at: None,
        expires_at: None,
        last_used: None,
    }
}

fn made(number: &str, fingerprint: Fingerprint) -> Token {
    token(number, &Label::of(&id(), &fingerprint).stored().to_string())
}

fn until() -> Problem {
    Problem::outside("it is committed")
}

/// The new value is in place nowhere, as another one is in AWS.
fn case() -> Case {
    let mut case = Case::in_place();
    case.secret().versions = [version(earlier(), "AWSCURRENT")].into();
    case.options = Options { purpose: Purpose::Rotate, ..Options::default() };
    case
}

fn rotated(wish: &Wish, home: &Home, tokens: &[Token], hold: Option<Hold>) -> Rotation {
    rotation(case().plan(), wish, home, tokens, hold).unwrap()
}

fn old() -> Vec<Token> {
    vec![made("t1", earlier()), made("t2", ours())]
}

scenarios! {
    fn the_source_comes_first_and_the_old_token_last() -> Plan {
        let Rotation { plan, steps } = rotated(&wish(), &Home::Takes, &old(), None);
        expect(&plan, SOURCE, Action::Update, ReasonKind::OldToken);
        expect(&plan, SECRET, Action::Update, ReasonKind::ValueDiffers);
        expect(&plan, OLD, Action::Update, ReasonKind::Retires);
        let source: Address = SOURCE.parse().unwrap();
        assert!(row(&plan, SECRET).after.contains(&source) && !row(&plan, RULE).after.contains(&source));
        let others = plan.changes.iter().filter(|change| change.address.to_string() != OLD);
        assert!(others.map(|change| &change.address).all(|address| row(&plan, OLD).after.contains(address) || address == &source));
        assert_eq!(steps.len(), 2);
        assert!(!plan.changes.iter().any(|change| change.address.to_string() == "hub:token/t2"), "the new one stays");
        plan
    }

    fn a_source_that_takes_nothing_keeps_the_old_token_on() -> Plan {
        let hold = Hold { until: until(), is_alone: false, is_part: false };
        let Rotation { plan, steps } = rotated(&wish(), &Home::ByHand(until()), &old(), Some(hold));
        expect(&plan, SOURCE, Action::Keep, ReasonKind::ByHand);
        expect(&plan, OLD, Action::Keep, ReasonKind::Waits);
        assert!(steps.is_empty());
        plan
    }

    fn on_a_runner_where_nobody_can_do_it_it_is_blocked() -> Plan {
        let hold = Hold { until: until(), is_alone: true, is_part: false };
        let plan = rotated(&wish(), &Home::Settled, &old(), Some(hold)).plan;
        expect(&plan, SOURCE, Action::Keep, ReasonKind::InSync);
        expect(&plan, OLD, Action::Blocked, ReasonKind::Waits);
        plan
    }

    fn a_place_that_is_blocked_or_unread_keeps_the_old_token_on() -> Plan {
        let mut case = case();
        case.observed.github.places.values_mut().for_each(|found| found.archived = true);
        let plan = rotation(case.plan(), &wish(), &Home::Settled, &old(), None).unwrap().plan;
        let blocked = plan.changes.iter().find(|change| change.action == Action::Blocked);
        if blocked.is_some_and(|change| change.address.to_string() != OLD) {
            expect(&plan, OLD, Action::Blocked, ReasonKind::Depends);
        }
        plan
    }

    fn what_nobody_can_know_keeps_it_on_unless_that_is_accepted() -> Plan {
        let mut case = case();
        case.use_password();
        let plan = rotation(case.plan(), &wish(), &Home::Settled, &old(), None).unwrap().plan;
        expect(&plan, OLD, Action::Blocked, ReasonKind::Unproven);
        let accepting = Wish { accept_unknown: true, ..wish() };
        let accepted = rotation(case.plan(), &accepting, &Home::Settled, &old(), None).unwrap().plan;
        expect(&accepted, OLD, Action::Update, ReasonKind::Retires);
        plan
    }

    fn a_token_that_regcred_did_not_make_is_named_and_allowed() -> Plan {
        let tokens = [token("t1", "ci"), token("t3", "laptop")];
        let named = Wish { old: vec!["ci".to_owned()], ..wish() };
        let plan = rotated(&named, &Home::Settled, &tokens, None).plan;
        expect(&plan, OLD, Action::Blocked, ReasonKind::ForeignToken);
        assert!(!plan.changes.iter().any(|change| change.address.to_string() == "hub:token/t3"));
        for name in ["ci", "t1"] {
            let allowed = Wish { old: vec![name.to_owned()], allow_delete: true, ..wish() };
            expect(&rotated(&allowed, &Home::Settled, &tokens, None).plan, OLD, Action::Update, ReasonKind::Retires);
        }
        plan
    }

    fn a_token_that_was_lost_goes_and_one_that_is_out_of_use_long_enough() -> Plan {
        let mut off = token("t4", &retired("regcred docker-hub cdcdcdcd", day("2026-10-01")));
        off.is_active = false;
        let mut lately = token("t5", &retired("ci", day("2026-11-20")));
        lately.is_active = false;
        let tokens = [token("t1", &Label::new(&id()).to_string()), off, lately, token("t6", "regcred other new")];
        let unstored = |number: &str, fingerprint| token(number, &Label::of(&id(), &fingerprint).to_string());
        let made =
            [unstored("t7", Fingerprint::parse(&"ef".repeat(32)).unwrap()), unstored("t8", earlier()), unstored("t9", ours())];
        let tokens: Vec<Token> = tokens.into_iter().chain(made).collect();
        let wish = Wish { delete_until: Some(day("2026-10-29")), ..wish() };
        let Rotation { plan, steps } = rotated(&wish, &Home::Settled, &tokens, None);
        expect(&plan, OLD, Action::Delete, ReasonKind::Lost);
        expect(&plan, "hub:token/t4", Action::Delete, ReasonKind::OutOfUse);
        expect(&plan, "hub:token/t7", Action::Delete, ReasonKind::Lost);
        expect(&plan, "hub:token/t8", Action::Update, ReasonKind::Retires);
        assert_eq!(steps.len(), 4, "the source has the eighth, and the ninth is new: {steps:?}");
        plan
    }
}

#[test]
fn what_old_names_is_one_token_and_not_the_new_one() {
    let tokens = [made("t1", ours()), token("t2", "ci"), token("t3", "ci")];
    let refused = |name: &str| {
        let wish = Wish { old: vec![name.to_owned()], ..wish() };
        let problems = rotation(case().plan(), &wish, &Home::Settled, &tokens, None).unwrap_err();
        let [problem] = problems.as_slice() else { panic!("{problems:?}") };
        format!("{problem} [{}]", problem.advice().unwrap_or_default())
    };
    assert!(refused("t1").starts_with("--old t1 is the new token"));
    assert_eq!(
        refused("ci"),
        "2 tokens at Docker Hub are called `ci` [name one by its id: --old t2 or --old t3]"
    );
    assert!(
        refused("no")
            .contains("has no token `no` of this account [on are `regcred docker-hub abababab`, `ci`, `ci`]")
    );
}

#[test]
fn one_that_is_out_of_use_already_is_known_by_what_it_was_called() {
    let mut off = token("t1", &retired("ci", day("2026-11-29")));
    off.is_active = false;
    let wish = Wish { old: vec!["ci".to_owned()], allow_delete: true, ..wish() };
    assert!(rotated(&wish, &Home::Settled, &[off], None).steps.is_empty());
}

#[test]
fn with_keep_old_nothing_goes_out_of_use() {
    let plan = rotated(&Wish { keep_old: true, ..wish() }, &Home::Takes, &old(), None).plan;
    assert!(!plan.changes.iter().any(|change| change.address.system() == "hub"));
}

#[test]
fn what_no_label_says_of_the_tokens_that_are_on_is_told() {
    let notes =
        |wish: &Wish, tokens: &[Token]| rotated(wish, &Home::Takes, tokens, None).plan.notes.join("\n");
    let anothers = made("t3", Fingerprint::parse(&"ef".repeat(32)).unwrap());
    let told = notes(&wish(), &[old(), vec![anothers]].concat());
    let strange =
        "`regcred docker-hub efefefef` goes out of use by its label, and is not what file:token gives now";
    assert!(told.contains(strange) && !told.contains("cdcdcdcd"), "{told}");
    let by_hand = [token("t1", "by hand"), token("t2", ""), made("t3", ours())];
    let left = "on at Docker Hub, and not made by regcred: `by hand`, `t2`.";
    assert!(notes(&wish(), &by_hand).contains(left), "{}", notes(&wish(), &by_hand));
    let named = Wish { old: vec!["by hand".to_owned()], ..wish() };
    for (wish, tokens) in
        [(&wish(), &old()[..]), (&named, &by_hand), (&Wish { keep_old: true, ..wish() }, &by_hand)]
    {
        assert_eq!(notes(wish, tokens), case().plan().notes.join("\n"));
    }
}
