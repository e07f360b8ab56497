//! Docker Hub's access tokens, against its double.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use regcred::env::Env;
use regcred::model::{CredentialId, Fingerprint, Login, Problem, Registry, Secret};
use regcred::net::Http;
use regcred::registry::hub::{Hub, HubError, Label, Minted, Token, Wanted, Whose, retired_on};
use regcred_sandbox::registry::{Lockout, RetryHeader};
use regcred_sandbox::{Door, Fault, Kind, Sandbox, Service, World};
use url::Url;

const PASSWORD: &str = "correct horse battery";
const TOKEN: &str = "dckr_pat_sandbox-0123456789abcdefghi";
const PUBLIC: &str = "*/*/public";

/// The account `acme` with a password and a token, and the organization `acme-org` that it owns.
fn sandbox() -> Sandbox {
    let mut world = World::default();
    world.registry.add_account("acme", PASSWORD);
    world.registry.add_account("acme-org", "dckr_oat_0123456789abcdefghi").owners = vec!["acme".to_owned()];
    Sandbox::start(world).unwrap()
}

fn run<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

fn log_in(sandbox: &Sandbox, secret: &str, whose: Whose) -> Result<Hub, HubError> {
    let base = Url::parse(&format!("{}/", sandbox.url(Door::Registry))).unwrap();
    let login = Login { username: "acme".to_owned(), token: Secret::new(secret.to_owned()) };
    run(Hub::log_in(&Http::new(&Env::default()).unwrap(), &base, &login, whose))
}

fn owner(sandbox: &Sandbox, whose: Whose) -> Hub {
    log_in(sandbox, PASSWORD, whose).unwrap()
}

fn organization() -> Whose {
    Whose::Organization("acme-org".to_owned())
}

fn label() -> Label {
    Label::new(&CredentialId("docker-hub".to_owned()))
}

fn mint(hub: &Hub, expires_at: Option<DateTime<Utc>>) -> Result<Minted, HubError> {
    let (label, pulls) = (label(), [PUBLIC.to_owned()]);
    run(hub.mint(&Wanted { label: &label, pulls: &pulls, expires_at }))
}

fn labels(hub: &Hub) -> Vec<String> {
    run(hub.tokens()).unwrap().into_iter().map(|token| token.label).collect()
}

fn day() -> NaiveDate {
    "2026-11-29".parse().unwrap()
}

/// What people read of an error, with its hints.
fn told(error: HubError) -> String {
    let problem = Problem::from(error);
    format!("{problem} [{}]", problem.advice().unwrap_or_default())
}

fn accepts(sandbox: &Sandbox, user: &str, token: &Secret) -> bool {
    sandbox.state().registry.accepts(user, token.expose())
}

#[test]
fn a_token_is_made_named_switched_off_and_deleted_for_an_account_and_for_an_organization() {
    for (whose, user) in [(Whose::Account, "acme"), (organization(), "acme-org")] {
        let sandbox = sandbox();
        let hub = owner(&sandbox, whose);
        let end = sandbox.state().clock.now() + Duration::from_secs(86_400 * 30);
        let minted = mint(&hub, Some(end)).unwrap();
        assert!(accepts(&sandbox, user, &minted.token));
        assert!(labels(&hub).contains(&"regcred docker-hub new".to_owned()));

        let fingerprint = Fingerprint::of(&Registry::docker_hub(), user, &minted.token);
        let named = Label::of(&CredentialId("docker-hub".to_owned()), &fingerprint).stored();
        run(hub.rename(&minted.id, &named)).unwrap();
        let find = || run(hub.tokens()).unwrap().into_iter().find(|token| token.id == minted.id);
        let token: Token = find().unwrap();
        assert_eq!(Label::read(&token.label), Some(named));
        assert!(token.is_active && token.last_used.is_none() && token.created_at.is_some());
        assert_eq!(token.expires_at.map(|end| end.timestamp()), Some(end.timestamp()));

        run(hub.retire(&token, day())).unwrap();
        let old = find().unwrap();
        assert!(!old.is_active && !accepts(&sandbox, user, &minted.token));
        assert_eq!(old.label, format!("regcred docker-hub {fingerprint} retired 2026-11-29"));
        assert_eq!(retired_on(&old.label), Some(day()));

        run(hub.delete(&minted.id)).unwrap();
        assert!(find().is_none());
        run(hub.delete(&minted.id)).unwrap();
        assert_eq!(sandbox.violations(), [""; 0]);
    }
}

#[test]
fn a_token_only_pulls_and_only_public_images_where_nothing_else_is_wanted() {
    let sandbox = sandbox();
    let hub = owner(&sandbox, Whose::Account);
    mint(&hub, None).unwrap();
    let (label, pulls) = (label(), ["acme/private".to_owned(), PUBLIC.to_owned()]);
    run(hub.mint(&Wanted { label: &label, pulls: &pulls, expires_at: None })).unwrap();
    let calls = sandbox.calls();
    let made = calls.iter().filter(|call| call.operation == "POST /v2/access-tokens");
    let scopes: Vec<String> = made.map(|call| call.request_json()["scopes"].to_string()).collect();
    assert_eq!(scopes, [r#"["repo:public_read"]"#, r#"["repo:read"]"#]);
}

#[test]
fn an_access_token_is_not_even_sent_to_log_in() {
    let sandbox = sandbox();
    for token in [TOKEN, "dckr_oat_0123456789abcdefghi"] {
        let error = told(log_in(&sandbox, token, Whose::Account).unwrap_err());
        assert!(error.contains("it needs an account's password") && error.contains("hand it in"), "{error}");
    }
    assert_eq!(sandbox.calls().len(), 0);
}

#[test]
fn an_access_token_that_looks_like_a_password_is_told_by_what_docker_hub_says() {
    let sandbox = sandbox();
    let disguised = "a token in disguise";
    let mut state = sandbox.state();
    state.registry.add_account("acme", disguised).credentials.last_mut().unwrap().kind =
        regcred_sandbox::registry::CredentialKind::Pat;
    drop(state);
    let hub = log_in(&sandbox, disguised, Whose::Account).unwrap();
    assert!(matches!(run(hub.tokens()), Err(HubError::TokenLogin)));
    assert!(matches!(mint(&hub, None), Err(HubError::TokenLogin)));
}

#[test]
fn a_login_that_cannot_make_tokens_is_told_by_its_reason_after_two_requests_at_most() {
    type Arrange = fn(&mut World);
    let cases: [(&str, Arrange, &str, usize); 5] = [
        (
            "wrong",
            |_| {},
            "refused the login that is to make tokens: Incorrect authentication credentials",
            2,
        ),
        (
            PASSWORD,
            |world| account(world).second_factor = Some("1".to_owned()),
            "asks this account for a second factor",
            1,
        ),
        (PASSWORD, |world| account(world).sso = true, "enforces single sign-on", 1),
        (PASSWORD, |world| locked(world, 429), "has locked the account", 1),
        (PASSWORD, |world| locked(world, 401), "has locked the account", 1),
    ];
    for (secret, arrange, words, requests) in cases {
        let sandbox = sandbox();
        arrange(&mut sandbox.state());
        let error = told(log_in(&sandbox, secret, Whose::Account).unwrap_err());
        assert!(error.contains(words) && error.contains('['), "{error}");
        assert_eq!(sandbox.calls().len(), requests, "{words}");
        assert!(!error.contains(PASSWORD), "{error}");
    }
}

fn account(world: &mut World) -> &mut regcred_sandbox::registry::Account {
    world.registry.accounts.get_mut("acme").unwrap()
}

fn locked(world: &mut World, status: u16) {
    let last = world.clock.now();
    world.registry.lockout = Lockout { status, ..Lockout::default() };
    account(world).failures = regcred_sandbox::registry::Failures { count: 99, last };
}

#[test]
fn a_second_factor_that_only_the_older_call_tells_is_told_too() {
    let sandbox = sandbox();
    account(&mut sandbox.state()).second_factor = Some("1".to_owned());
    sandbox.fault(Fault::on(Service::Hub, "POST /v2/auth/token", Kind::Status(401)));
    let error = log_in(&sandbox, PASSWORD, Whose::Account).unwrap_err();
    assert!(matches!(error, HubError::SecondFactor), "{error:?}");
    assert_eq!(sandbox.calls().len(), 2);
}

#[test]
fn who_may_not_and_what_is_not_there_is_told() {
    let sandbox = sandbox();
    let other = owner(&sandbox, Whose::Organization("nobody".to_owned()));
    assert!(told(run(other.tokens()).unwrap_err()).contains("organization not found"));
    sandbox.state().registry.add_account("org-of-others", "dckr_oat_x").owners = vec!["else".to_owned()];
    let foreign = owner(&sandbox, Whose::Organization("org-of-others".to_owned()));
    let error = told(mint(&foreign, None).unwrap_err());
    assert!(error.contains("you must be an owner") && error.contains("made by its owners"), "{error}");
}

#[test]
fn no_room_for_a_token_is_told_with_what_counts() {
    for whose in [Whose::Account, organization()] {
        let sandbox = sandbox();
        sandbox.state().registry.accounts.values_mut().for_each(|account| account.token_limit = 1);
        let error = told(mint(&owner(&sandbox, whose), None).unwrap_err());
        assert!(
            error.contains("maximum number of access tokens") && error.contains("expired ones count"),
            "{error}"
        );
    }
}

#[test]
fn all_pages_of_a_list_are_read() {
    let sandbox = sandbox();
    account(&mut sandbox.state()).token_limit = 500;
    for number in 0..250 {
        sandbox.state().registry.add_account("acme", &format!("dckr_pat_{number:03}"));
    }
    let hub = owner(&sandbox, Whose::Account);
    assert_eq!(run(hub.tokens()).unwrap().len(), 251);
}

#[test]
fn a_limit_of_requests_is_waited_for_in_either_form_and_a_long_wait_is_told() {
    for retry in [RetryHeader::Seconds, RetryHeader::UnixTime] {
        let sandbox = sandbox();
        let hub = owner(&sandbox, Whose::Account);
        let mut state = sandbox.state();
        // The minute is over in a second.
        let now = state.clock.now();
        let rate = &mut state.registry.hub.rate;
        (rate.limit, rate.retry, rate.began) = (1, retry, now - Duration::from_millis(59_000));
        drop(state);
        assert_eq!(labels(&hub).len(), 1, "{retry:?}");
        let statuses: Vec<_> = sandbox.calls().iter().filter_map(|call| call.status).collect();
        assert_eq!(statuses, [200, 429, 200]);
    }
    let sandbox = sandbox();
    let hub = owner(&sandbox, Whose::Account);
    sandbox.fault(Fault::on_service(Service::Hub, Kind::Throttle { retry_after: Some(3600) }));
    let error = told(run(hub.tokens()).unwrap_err());
    assert!(error.contains("accepts no more requests for now: it asks to wait 3600 s"), "{error}");
}

#[test]
fn a_token_is_asked_for_once_and_what_is_not_known_of_it_is_said() {
    for kind in [Kind::ResetAfter, Kind::TruncatedBody, Kind::GarbageBody, Kind::Status(500)] {
        let sandbox = sandbox();
        let hub = owner(&sandbox, Whose::Account);
        sandbox.fault(Fault::on(Service::Hub, "POST /v2/access-tokens", kind.clone()));
        let error = mint(&hub, None).unwrap_err();
        assert!(matches!(error, HubError::Unclear { .. }), "{kind:?}: {error:?}");
        let made = usize::from(kind.takes_effect());
        let lost = labels(&hub).iter().filter(|text| Label::read(text) == Some(label())).count();
        assert_eq!(lost, made, "{kind:?}: known by its label");
        let asked = sandbox.calls().iter().filter(|call| call.operation == "POST /v2/access-tokens").count();
        assert_eq!(asked, 1, "{kind:?}");
    }
}

#[test]
fn everything_else_is_sent_again_after_a_fault() {
    for kind in [Kind::Status(503), Kind::ResetBefore, Kind::ResetAfter] {
        let sandbox = sandbox();
        let hub = owner(&sandbox, Whose::Account);
        let minted = mint(&hub, None).unwrap();
        for operation in
            ["GET /v2/access-tokens", "PATCH /v2/access-tokens/{uuid}", "DELETE /v2/access-tokens/{uuid}"]
        {
            sandbox.fault(Fault::on(Service::Hub, operation, kind.clone()));
        }
        run(hub.rename(&minted.id, &label())).unwrap();
        assert_eq!(labels(&hub).len(), 2);
        run(hub.delete(&minted.id)).unwrap();
        assert!(!accepts(&sandbox, "acme", &minted.token), "{kind:?}");
    }
}

#[test]
fn neither_the_password_nor_a_token_is_in_what_debug_shows() {
    let sandbox = sandbox();
    let hub = owner(&sandbox, Whose::Account);
    let minted = mint(&hub, None).unwrap();
    let shown = format!("{hub:?} {minted:?}");
    assert!(!shown.contains(PASSWORD) && !shown.contains(minted.token.expose()), "{shown}");
    assert!(!regcred::redact::output(&format!("x {} y", minted.token.expose())).contains("dckr_pat_"));
}
