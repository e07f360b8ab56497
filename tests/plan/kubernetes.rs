//! Pull secrets and the service accounts that name them.

use std::collections::{BTreeMap, BTreeSet};

use regcred::change::{Action, Known, Purpose, ReasonKind};
use regcred::model::{Credential, CredentialId, Registry, TokenKind};
use regcred::plan::Plan;
use regcred::systems;
use regcred::targets::kubernetes::{
    Account, Desired, Held, How, KIND, Namespace, ObjectRef, Observed, Operation, Scope, Secret, State, roles,
};

use crate::case::*;
use crate::scenarios;

const PROD: &str = "prod";
pub(crate) const PULL: &str = "kubernetes:prod/team-a/secret/docker-hub";
pub(crate) const DEFAULT: &str = "kubernetes:prod/team-a/serviceaccount/default";
pub(crate) const HUB_KEY: &str = "https://index.docker.io/v1/";

pub(crate) fn named(names: &[&str]) -> Scope {
    Scope::Named(names.iter().map(|name| (*name).to_owned()).collect())
}

pub(crate) fn wanted(scope: Scope) -> Desired {
    Desired {
        credential: id(),
        registry: Registry::docker_hub(),
        context: PROD.to_owned(),
        scope,
        secret: "docker-hub".to_owned(),
        service_accounts: ["default".to_owned()].into(),
        attach: true,
        insecure: false,
    }
}

pub(crate) fn at(namespace: &str, name: &str) -> ObjectRef {
    ObjectRef { context: PROD.to_owned(), namespace: namespace.to_owned(), name: name.to_owned() }
}

fn ghcr() -> CredentialId {
    CredentialId("ghcr".to_owned())
}

/// Only Kubernetes: one item, and the namespaces that it comes to.
pub(crate) fn case_of(desired: Desired, namespaces: &[(&str, Namespace)]) -> Case {
    let mut case = Case::empty();
    case.desired.places.aws.clear();
    case.desired.places.github.clear();
    case.observed = regcred::systems::Observed::default();
    add(&mut case, desired, namespaces);
    case
}

fn add(case: &mut Case, desired: Desired, namespaces: &[(&str, Namespace)]) {
    let observed = &mut case.observed.kubernetes;
    for (name, _) in namespaces {
        observed.secrets.entry(at(name, &desired.secret)).or_insert(Ok(None));
        for account in &desired.service_accounts {
            observed.accounts.entry(at(name, account)).or_insert_with(|| Ok(Some(Account::default())));
        }
    }
    let found = namespaces.iter().map(|(name, namespace)| ((*name).to_owned(), *namespace)).collect();
    observed.namespaces.insert((desired.context.clone(), desired.scope.clone()), Ok(found));
    case.desired.places.kubernetes.push(desired);
}

fn there(named: bool) -> Namespace {
    Namespace { named, state: State::There }
}

/// One namespace, named; nothing in it yet.
fn empty() -> Case {
    case_of(wanted(named(&["team-a"])), &[("team-a", there(true))])
}

pub(crate) fn in_place() -> Case {
    empty().applied()
}

fn secret(case: &mut Case) -> &mut Secret {
    let found = case.observed.kubernetes.secrets.get_mut(&at("team-a", "docker-hub")).unwrap();
    found.as_mut().unwrap().as_mut().expect("it is there")
}

fn account(case: &mut Case) -> &mut Account {
    let found = case.observed.kubernetes.accounts.get_mut(&at("team-a", "default")).unwrap();
    found.as_mut().unwrap().as_mut().expect("it is there")
}

fn operation<'p>(plan: &'p Plan, address: &str) -> &'p Operation {
    match &row(plan, address).operation {
        Some(systems::Operation::Kubernetes(operation)) => operation,
        other => panic!("{address}: {other:?}"),
    }
}

/// A pull secret `old`, which the service account names before ours.
fn put_old(case: &mut Case, old: Secret) {
    account(case).secrets.insert(0, "old".to_owned());
    let old = Secret { kind: KIND.to_owned(), ..old };
    case.observed.kubernetes.others.insert(at("team-a", "old"), Ok(Some(old)));
}

/// One with an earlier login under this key.
fn old(key: &str) -> Secret {
    Secret { logins: [(key.to_owned(), Some(earlier()))].into(), ..Secret::default() }
}

/// Makes an entry one that the kubelet cannot read.
fn break_entry(secret: &mut Secret, key: &str) {
    let words = format!("the entry `{key}` has an `auth` that is not user:password in base64");
    secret.damage.insert(key.to_owned(), words);
}

pub(crate) fn add_ghcr(case: &mut Case) {
    let registry: Registry = "ghcr.io".parse().unwrap();
    case.desired.credentials.push(Credential {
        id: ghcr(),
        registry: registry.clone(),
        token_service: None,
        source: String::new(),
    });
    case.known.insert(
        ghcr(),
        Known {
            fingerprint: earlier(),
            kind: TokenKind::GitHubClassic,
            username: "acme".to_owned(),
            current_since: None,
        },
    );
    let desired = Desired { credential: ghcr(), registry, ..wanted(named(&["team-a"])) };
    add(case, desired, &[("team-a", there(true))]);
}

scenarios! {
    fn an_absent_secret_is_made_and_then_named_by_the_service_account() -> Plan {
        let plan = empty().plan();
        expect(&plan, PULL, Action::Create, ReasonKind::Absent);
        expect(&plan, DEFAULT, Action::Update, ReasonKind::NotNamed);
        assert_eq!(row(&plan, DEFAULT).after.iter().map(ToString::to_string).collect::<Vec<_>>(), [PULL]);
        let Operation::PutSecret { logins, labels, how, .. } = operation(&plan, PULL) else { panic!() };
        assert_eq!(logins, &BTreeMap::from([(HUB_KEY.to_owned(), id())]), "Docker Hub has one key");
        assert_eq!((labels.len(), *how), (0, How::Create));
        expect_still(&empty().applied().plan());
        plan
    }

    fn a_rotation_says_that_newer_kubelets_ask_the_registry_again_and_a_sync_does_not() -> Plan {
        let mut case = in_place();
        let said = |plan: &Plan| plan.notes.iter().any(|note| note.contains("kubelets of 1.35 and later ask the registry again"));
        assert!(!said(&case.plan()));
        case.options.purpose = Purpose::Rotate;
        let plan = case.plan();
        assert!(said(&plan), "{:?}", plan.notes);
        plan
    }

    fn what_is_as_declared_is_kept() -> Plan {
        let plan = in_place().plan();
        expect_still(&plan);
        expect(&plan, PULL, Action::Keep, ReasonKind::InSync);
        expect(&plan, DEFAULT, Action::Keep, ReasonKind::InSync);
        plan
    }

    fn another_login_for_the_registry_is_updated_and_named_without_a_value() -> Plan {
        let mut case = in_place();
        secret(&mut case).logins.insert(HUB_KEY.to_owned(), Some(earlier()));
        let plan = case.plan();
        expect(&plan, PULL, Action::Update, ReasonKind::Logins);
        assert_eq!(row(&plan, PULL).reason.to_string(), "another login for docker.io");
        expect(&plan, DEFAULT, Action::Keep, ReasonKind::InSync);
        expect_still(&case.applied().plan());
        plan
    }

    fn a_configuration_that_gives_the_kubelet_no_login_is_updated() -> Plan {
        let mut case = in_place();
        secret(&mut case).logins.clear();
        let plan = case.plan();
        expect(&plan, PULL, Action::Update, ReasonKind::Logins);
        assert_eq!(row(&plan, PULL).reason.to_string(), "no login for docker.io");
        secret(&mut case).logins.insert(HUB_KEY.to_owned(), None);
        expect(&case.plan(), PULL, Action::Update, ReasonKind::Logins);
        plan
    }

    fn a_stale_login_under_another_spelling_of_docker_hub_is_updated_too() -> Plan {
        let mut case = in_place();
        secret(&mut case).logins.insert("docker.io".to_owned(), Some(earlier()));
        let plan = case.plan();
        expect(&plan, PULL, Action::Update, ReasonKind::Logins);
        assert_eq!(row(&plan, PULL).reason.to_string(), "another login for docker.io under `docker.io`");
        expect_still(&case.applied().plan());
        plan
    }

    fn the_usual_key_of_docker_hub_is_written_even_where_another_spelling_holds_the_login() -> Plan {
        let mut case = in_place();
        secret(&mut case).logins = [("docker.io".to_owned(), Some(ours()))].into();
        let plan = case.plan();
        expect(&plan, PULL, Action::Update, ReasonKind::Logins);
        expect_still(&case.applied().plan());
        plan
    }

    fn two_credentials_share_one_secret_and_one_row() -> Plan {
        let mut case = empty();
        add_ghcr(&mut case);
        let plan = case.plan();
        expect(&plan, PULL, Action::Create, ReasonKind::Absent);
        assert_eq!(row(&plan, PULL).credentials.len(), 2);
        let Operation::PutSecret { logins, .. } = operation(&plan, PULL) else { panic!() };
        assert_eq!(logins.keys().map(String::as_str).collect::<Vec<_>>(), ["ghcr.io", HUB_KEY]);
        expect_still(&case.applied().plan());
        plan
    }

    fn one_of_two_registries_that_is_missing_is_the_only_one_named() -> Plan {
        let mut case = empty();
        add_ghcr(&mut case);
        let mut case = case.applied();
        secret(&mut case).logins.remove("ghcr.io");
        let plan = case.plan();
        assert_eq!(row(&plan, PULL).reason.to_string(), "no login for ghcr.io");
        plan
    }

    fn one_cluster_by_two_contexts_is_one_place() -> Plan {
        let mut case = empty();
        let admin = Desired { context: "prod-admin".to_owned(), ..wanted(named(&["team-a"])) };
        let other = ObjectRef { context: "prod-admin".to_owned(), ..at("team-a", "docker-hub") };
        let account = ObjectRef { name: "default".to_owned(), ..other.clone() };
        let observed = &mut case.observed.kubernetes;
        observed.namespaces.insert((admin.context.clone(), admin.scope.clone()), Ok([("team-a".to_owned(), there(true))].into()));
        observed.secrets.insert(other, Ok(None));
        observed.accounts.insert(account, Ok(Some(Account::default())));
        case.desired.places.kubernetes.push(admin);
        let servers = |two: &str| [(PROD, "https://a"), ("prod-admin", two)].map(|(context, server)| (context.to_owned(), server.to_owned())).into();
        case.observed.kubernetes.servers = servers("https://b");
        expect(&case.plan(), PULL, Action::Create, ReasonKind::Absent);
        case.observed.kubernetes.servers = servers("https://a");
        let plan = case.plan();
        expect(&plan, PULL, Action::Blocked, ReasonKind::OnePlace);
        expect(&plan, DEFAULT, Action::Blocked, ReasonKind::Depends);
        plan
    }

    fn two_credentials_for_one_registry_in_one_secret_are_blocked() -> Plan {
        let mut case = empty();
        case.known.insert(ghcr(), Known { fingerprint: earlier(), kind: TokenKind::DockerPersonal, username: "acme".to_owned(), current_since: None });
        let desired = Desired { credential: ghcr(), ..wanted(Scope::Selector("team=a".to_owned())) };
        add(&mut case, desired, &[("team-a", there(false))]);
        let plan = case.plan();
        expect(&plan, PULL, Action::Blocked, ReasonKind::TwoCredentials);
        expect(&plan, DEFAULT, Action::Blocked, ReasonKind::Depends);
        plan
    }

    fn a_service_account_gets_several_secrets_in_one_write() -> Plan {
        let mut case = empty();
        let desired = Desired { secret: "second".to_owned(), ..wanted(named(&["team-a"])) };
        add(&mut case, desired, &[("team-a", there(true))]);
        let plan = case.plan();
        let Operation::Attach { secrets, .. } = operation(&plan, DEFAULT) else { panic!() };
        assert_eq!(secrets, &BTreeSet::from(["docker-hub".to_owned(), "second".to_owned()]));
        assert_eq!(row(&plan, DEFAULT).after.len(), 2);
        plan
    }

    fn a_service_account_that_names_others_keeps_them() -> Plan {
        let mut case = empty();
        account(&mut case).secrets = vec!["theirs".to_owned()];
        let plan = case.plan();
        assert_eq!(row(&plan, DEFAULT).reason.to_string(), "does not name docker-hub");
        let mut after = case.applied();
        assert_eq!(account(&mut after).secrets, ["theirs", "docker-hub"]);
        plan
    }

    fn a_service_account_that_does_not_exist_yet_is_waited_for() -> Plan {
        let mut case = empty();
        case.observed.kubernetes.accounts.insert(at("team-a", "default"), Ok(None));
        let plan = case.plan();
        expect(&plan, DEFAULT, Action::Update, ReasonKind::NoAccount);
        plan
    }

    fn a_service_account_whose_pods_try_another_login_first_is_kept_and_that_is_told() -> Plan {
        let mut case = in_place();
        put_old(&mut case, old(HUB_KEY));
        let plan = case.plan();
        expect(&plan, PULL, Action::Keep, ReasonKind::InSync);
        expect(&plan, DEFAULT, Action::Keep, ReasonKind::Contested);
        let words = "in sync; its pods try `https://index.docker.io/v1/` of the pull secret old first, and docker-hub if that is refused";
        assert_eq!(row(&plan, DEFAULT).reason.to_string(), words);
        assert!(row(&plan, DEFAULT).is_news());
        plan
    }

    fn the_same_login_in_another_pull_secret_is_as_good_as_ours() -> Plan {
        let mut case = in_place();
        put_old(&mut case, Secret { logins: [("docker.io".to_owned(), Some(ours()))].into(), ..Secret::default() });
        let plan = case.plan();
        expect_still(&plan);
        expect(&plan, DEFAULT, Action::Keep, ReasonKind::InSync);
        plan
    }

    fn where_a_key_elsewhere_keeps_the_kubelet_from_docker_hubs_usual_one_the_login_is_filed_under_both() -> Plan {
        let mut case = in_place();
        put_old(&mut case, old("docker.io"));
        let plan = case.plan();
        expect(&plan, PULL, Action::Update, ReasonKind::Logins);
        let words = "no login for docker.io under `docker.io`, where the kubelet looks because of `docker.io` of the pull secret old";
        assert_eq!(row(&plan, PULL).reason.to_string(), words);
        let Operation::PutSecret { logins, .. } = operation(&plan, PULL) else { panic!() };
        assert_eq!(logins.keys().map(String::as_str).collect::<Vec<_>>(), ["docker.io", HUB_KEY]);
        expect(&plan, DEFAULT, Action::Keep, ReasonKind::Contested);
        expect_still(&case.applied().plan());
        plan
    }

    fn a_pull_secret_that_the_kubelet_cannot_read_blocks_the_service_account_that_names_it() -> Plan {
        let mut case = in_place();
        put_old(&mut case, Secret { unreadable: Some("its configuration is not a JSON object".to_owned()), ..Secret::default() });
        let plan = case.plan();
        expect(&plan, PULL, Action::Keep, ReasonKind::InSync);
        expect(&plan, DEFAULT, Action::Blocked, ReasonKind::Outranked);
        let words = "its pods pull no image: the pull secret old: its configuration is not a JSON object";
        assert_eq!(row(&plan, DEFAULT).reason.to_string(), words);
        assert!(row(&plan, DEFAULT).reason.hint().unwrap().contains("`imagePullSecrets`"));
        plan
    }

    fn a_pull_secret_that_could_not_be_read_leaves_it_open_whose_login_comes_first() -> Plan {
        let mut case = in_place();
        account(&mut case).secrets.insert(0, "old".to_owned());
        case.observed.kubernetes.others.insert(at("team-a", "old"), Err(unreadable("get secrets: 403")));
        let plan = case.plan();
        expect(&plan, DEFAULT, Action::Keep, ReasonKind::Contested);
        let words = "in sync; whether its pods try docker-hub first is not known: the pull secret old could not be read";
        assert_eq!(row(&plan, DEFAULT).reason.to_string(), words);
        plan
    }

    fn a_secret_of_another_type_is_blocked() -> Plan {
        let mut case = in_place();
        secret(&mut case).kind = "Opaque".to_owned();
        let plan = case.plan();
        expect(&plan, PULL, Action::Blocked, ReasonKind::OtherType);
        assert!(row(&plan, PULL).reason.hint().unwrap().contains("--allow-replace"));
        plan
    }

    fn a_secret_that_a_controller_writes_is_blocked_unless_that_is_allowed() -> Plan {
        let mut case = in_place();
        secret(&mut case).owner = Some("ExternalSecret docker-hub".to_owned());
        expect_still(&case.plan());
        secret(&mut case).logins.insert(HUB_KEY.to_owned(), Some(earlier()));
        case.options.allow_replace = true;
        expect(&case.plan(), PULL, Action::Update, ReasonKind::Logins);
        case.options.allow_replace = false;
        let plan = case.plan();
        expect(&plan, PULL, Action::Blocked, ReasonKind::OwnedBy);
        plan
    }

    fn an_immutable_secret_with_another_login_is_blocked() -> Plan {
        let mut case = in_place();
        secret(&mut case).immutable = true;
        expect_still(&case.plan());
        secret(&mut case).logins.insert(HUB_KEY.to_owned(), Some(earlier()));
        let plan = case.plan();
        expect(&plan, PULL, Action::Blocked, ReasonKind::Immutable);
        plan
    }

    fn a_foreign_entry_that_the_kubelet_cannot_read_is_blocked_because_it_reads_nothing_then() -> Plan {
        let mut case = in_place();
        break_entry(secret(&mut case), "quay.io");
        let plan = case.plan();
        expect(&plan, PULL, Action::Blocked, ReasonKind::Damaged);
        plan
    }

    fn a_configuration_that_cannot_be_read_is_blocked_and_not_written_over() -> Plan {
        let mut case = in_place();
        let found = secret(&mut case);
        found.unreadable = Some("its configuration is not a JSON object".to_owned());
        found.logins.clear();
        let plan = case.plan();
        expect(&plan, PULL, Action::Blocked, ReasonKind::Damaged);
        plan
    }

    fn with_allow_replace_what_cannot_be_changed_is_made_again() -> Plan {
        let spoil: [fn(&mut Secret); 4] = [
            |secret| secret.kind = "Opaque".to_owned(),
            |secret| { secret.immutable = true; secret.logins.clear(); },
            |secret| break_entry(secret, "quay.io"),
            |secret| { secret.unreadable = Some("its configuration is not a JSON object".to_owned()); secret.logins.clear(); },
        ];
        let mut plans = spoil.map(|spoil| {
            let mut case = in_place();
            case.options.allow_replace = true;
            spoil(secret(&mut case));
            let plan = case.plan();
            expect(&plan, PULL, Action::Replace, ReasonKind::Remade);
            assert!(row(&plan, PULL).reason.to_string().ends_with(": deleted and made again"));
            expect_still(&case.applied().plan());
            plan
        }).into_iter();
        plans.next().unwrap()
    }

    fn what_a_finalizer_or_a_controller_keeps_is_not_made_again_even_when_told() -> Plan {
        let mut case = in_place();
        let words = "it has the finalizer example.com/keep".to_owned();
        secret(&mut case).kept = Some(words.clone());
        expect_still(&case.plan());
        case.options.allow_replace = true;
        secret(&mut case).kind = "Opaque".to_owned();
        let plan = case.plan();
        expect(&plan, PULL, Action::Blocked, ReasonKind::Kept);
        assert!(row(&plan, PULL).reason.to_string().ends_with(&words));
        assert!(!row(&plan, PULL).reason.hint().unwrap().contains("--allow-replace"));
        plan
    }

    fn an_absent_secret_of_which_a_copy_is_left_is_made_of_what_the_copy_holds() -> Plan {
        let mut case = empty();
        case.observed.kubernetes.copies = [at("team-a", "docker-hub")].into();
        let plan = case.plan();
        expect(&plan, PULL, Action::Create, ReasonKind::PutBack);
        let Operation::PutSecret { how, logins, .. } = operation(&plan, PULL) else { panic!() };
        assert_eq!((*how, logins.len()), (How::Replace, 1));
        plan
    }

    fn a_copy_that_is_left_beside_a_secret_that_does_not_name_it_is_told_and_stays() -> Plan {
        let mut case = in_place();
        case.observed.kubernetes.copies = [at("team-a", "docker-hub")].into();
        let plan = case.plan();
        expect(&plan, PULL, Action::Keep, ReasonKind::InSync);
        let told = |plan: &Plan| plan.notes.iter().any(|note| note.contains("left the copy docker-hub.before-replace"));
        assert!(told(&plan), "{:?}", plan.notes);
        secret(&mut case).copy = Some("docker-hub.before-replace".to_owned());
        assert!(!told(&case.plan()), "its row says that it goes");
        plan
    }

    fn a_copy_that_is_left_beside_its_secret_goes_without_touching_the_value() -> Plan {
        let mut case = in_place();
        secret(&mut case).copy = Some("docker-hub.before-replace".to_owned());
        let plan = case.plan();
        expect(&plan, PULL, Action::Update, ReasonKind::Leftover);
        let Operation::PutSecret { how, logins, .. } = operation(&plan, PULL) else { panic!() };
        assert_eq!((*how, logins.len()), (How::Update, 0));
        plan
    }

    fn a_service_account_that_is_left_to_its_manifest_is_not_written_and_what_to_add_is_said() -> Plan {
        let left = Desired { attach: false, ..wanted(named(&["team-a"])) };
        let mut case = case_of(left, &[("team-a", there(true))]);
        let plan = case.plan();
        expect(&plan, PULL, Action::Create, ReasonKind::Absent);
        expect(&plan, DEFAULT, Action::Keep, ReasonKind::LeftToManifest);
        let hint = row(&plan, DEFAULT).reason.hint().unwrap();
        assert!(hint.ends_with("imagePullSecrets: [{ name: docker-hub }]"), "{hint}");
        account(&mut case).secrets = vec!["theirs".to_owned(), "docker-hub".to_owned()];
        expect(&case.plan(), DEFAULT, Action::Keep, ReasonKind::InSync);
        plan
    }

    fn whoever_else_writes_the_list_of_a_service_account_is_named() -> Plan {
        let mut case = in_place();
        *account(&mut case) = Account { writer: Some("argocd-controller".to_owned()), ..Account::default() };
        let plan = case.plan();
        let reason = row(&plan, DEFAULT).reason.to_string();
        assert_eq!(reason, "does not name docker-hub; argocd-controller writes its list, too");
        plan
    }

    fn a_label_that_is_missing_is_set_without_touching_the_value() -> Plan {
        let mut case = case_of(Desired { service_accounts: BTreeSet::new(), ..wanted(Scope::RunaiCluster) }, &[("runai", there(true))]).applied();
        expect_still(&case.plan());
        let found = case.observed.kubernetes.secrets.get_mut(&at("runai", "docker-hub")).unwrap();
        let labels = &mut found.as_mut().unwrap().as_mut().unwrap().labels;
        assert_eq!(labels.keys().map(String::as_str).collect::<Vec<_>>(), ["app.kubernetes.io/managed-by", "run.ai/cluster-wide", "run.ai/resource", "runai/cluster-wide"]);
        labels.remove("runai/cluster-wide");
        let plan = case.plan();
        let address = "kubernetes:prod/runai/secret/docker-hub";
        expect(&plan, address, Action::Update, ReasonKind::Labels);
        assert_eq!(row(&plan, address).reason.to_string(), "without the labels runai/cluster-wide=true");
        assert!(!row(&plan, address).carries_value());
        assert!(plan.notes.iter().any(|note| note.contains("clusterWideSecret")), "{:?}", plan.notes);
        plan
    }

    fn the_namespaces_of_run_ai_projects_get_the_label_that_run_ai_lists_by() -> Plan {
        let mut case = case_of(wanted(Scope::RunaiAll), &[("runai-a", there(false)), ("b", there(false))]);
        let plan = case.plan();
        for namespace in ["runai-a", "b"] {
            let Operation::PutSecret { labels, named, .. } = operation(&plan, &format!("kubernetes:prod/{namespace}/secret/docker-hub")) else { panic!() };
            assert_eq!(labels, &BTreeMap::from([("run.ai/resource".to_owned(), "docker-registry".to_owned())]));
            assert!(!named, "it was found, and may be gone when it is written");
        }
        case = case.applied();
        expect_still(&case.plan());
        plan
    }

    fn a_namespace_that_does_not_exist_is_blocked_with_all_that_would_be_in_it() -> Plan {
        let absent = Namespace { named: true, state: State::Absent };
        let plan = case_of(wanted(named(&["team-a"])), &[("team-a", absent)]).plan();
        expect(&plan, PULL, Action::Blocked, ReasonKind::NoNamespace);
        expect(&plan, DEFAULT, Action::Blocked, ReasonKind::NoNamespace);
        plan
    }

    fn a_namespace_that_is_being_deleted_is_left_alone() -> Plan {
        let going = Namespace { named: false, state: State::Terminating };
        let plan = case_of(wanted(Scope::RunaiAll), &[("team-a", going)]).plan();
        expect(&plan, PULL, Action::Keep, ReasonKind::Terminating);
        expect(&plan, DEFAULT, Action::Keep, ReasonKind::Terminating);
        plan
    }

    fn what_could_not_be_read_is_unread_and_the_other_namespace_goes_on() -> Plan {
        let mut case = case_of(wanted(named(&["team-a", "team-b"])), &[("team-a", there(true)), ("team-b", there(true))]);
        case.observed.kubernetes.secrets.insert(at("team-a", "docker-hub"), Err(unreadable("get secrets: 403")));
        let plan = case.plan();
        expect(&plan, PULL, Action::Unread, ReasonKind::Unreadable);
        expect(&plan, DEFAULT, Action::Blocked, ReasonKind::Depends);
        expect(&plan, "kubernetes:prod/team-b/secret/docker-hub", Action::Create, ReasonKind::Absent);
        plan
    }

    fn namespaces_that_could_not_be_looked_for_are_one_unread_row() -> Plan {
        let mut case = case_of(wanted(Scope::RunaiAll), &[]);
        case.observed.kubernetes = Observed::default();
        case.observed.kubernetes.namespaces.insert((PROD.to_owned(), Scope::RunaiAll), Err(unreadable("list namespaces: 403")));
        let plan = case.plan();
        expect(&plan, "kubernetes:prod/?/secret/docker-hub", Action::Unread, ReasonKind::Unreadable);
        plan
    }
}

#[test]
fn a_broken_entry_is_mended_where_the_same_secret_declares_its_registry_and_blocks_elsewhere() {
    let mut case = in_place();
    break_entry(secret(&mut case), "ghcr.io");
    secret(&mut case).logins.insert("ghcr.io".to_owned(), None);
    expect(&case.plan(), PULL, Action::Blocked, ReasonKind::Damaged);
    add_ghcr(&mut case);
    expect(&case.plan(), PULL, Action::Update, ReasonKind::Logins);
}

/// What the pods of the service account come to, with this login of user bob or of nobody in another pull secret.
fn reason_with(key: &str, named: bool) -> ReasonKind {
    let mut case = in_place();
    let held = Held { named, ..Held::default() };
    put_old(&mut case, Secret { foreign: [(key.to_owned(), held)].into(), ..Secret::default() });
    let after = case.applied().plan();
    ReasonKind::from(&row(&after, DEFAULT).reason)
}

#[test]
fn a_pull_without_a_login_before_ours_is_blocked_as_it_gets_every_public_image() {
    assert_eq!(reason_with("docker.io/acme", true), ReasonKind::Contested);
    assert_eq!(reason_with("docker.io/acme", false), ReasonKind::Outranked);
    for other in ["ghcr.io", "docker.io:443", "docker.io/Acme", "registry-1.docker.io/acme", "*"] {
        assert_eq!(reason_with(other, false), ReasonKind::InSync, "{other}");
    }
    // A star comes before letters, so that ours under `docker.io` is tried first.
    assert_eq!(reason_with("*.io", false), ReasonKind::InSync);
}

#[test]
fn labels_that_no_namespace_has_are_told() {
    let plan = case_of(wanted(Scope::Selector("team=x".to_owned())), &[]).plan();
    assert_eq!(plan.changes, []);
    assert!(
        plan.notes.iter().any(|note| note.contains("no namespace has the labels `team=x`")),
        "{:?}",
        plan.notes
    );
}

#[test]
fn the_namespace_of_a_project_that_no_label_tells_is_said_to_be_a_guess() {
    let projects = Scope::RunaiProjects(["a".to_owned(), "b".to_owned()].into());
    let plan = case_of(wanted(projects), &[("runai-a", there(true)), ("research", there(false))]).plan();
    let said: Vec<&String> = plan.notes.iter().filter(|note| note.contains("is assumed")).collect();
    assert_eq!(
        said,
        [
            "kubernetes:prod: no label says which namespace the project's is, so runai-a is assumed: Run:ai's default"
        ]
    );
}

#[test]
fn two_files_that_need_other_rights_have_roles_of_other_names_and_one_file_always_the_same() {
    let name = |desired: &Desired, deletes: bool| {
        let text = roles(std::slice::from_ref(desired), PROD, deletes);
        let at = text.find("metadata: { name: ").unwrap() + "metadata: { name: ".len();
        text[at..].split([',', ' ']).next().unwrap().to_owned()
    };
    let one = wanted(named(&["team-a"]));
    let others = [
        Desired { secret: "pulls".to_owned(), ..one.clone() },
        Desired { service_accounts: ["builder".to_owned()].into(), ..one.clone() },
        Desired { attach: false, ..one.clone() },
    ];
    let mut names: BTreeSet<String> = others.iter().map(|desired| name(desired, false)).collect();
    names.extend([name(&one, false), name(&one, true)]);
    assert_eq!(names.len(), 5, "{names:?}");
    assert_eq!(name(&one, false), name(&wanted(named(&["team-a", "team-b"])), false), "a namespace more");
}

#[test]
fn the_roles_are_the_smallest_that_suffice() {
    let selected = wanted(Scope::Selector("team=a".to_owned()));
    let single = Desired {
        service_accounts: BTreeSet::new(),
        secret: "pulls".to_owned(),
        ..wanted(Scope::RunaiCluster)
    };
    let covered = wanted(named(&["team-b"]));
    let other = Desired { context: "other".to_owned(), ..wanted(named(&["x"])) };
    insta::assert_snapshot!(roles(&[selected, single, covered, other], PROD, false), @r##"
    # The smallest roles for `regcred sync` on prod. `plan` and `verify` do without create and patch;
    # `sync --allow-replace` and `remove` also delete secrets: regcred rbac --allow-replace.
    # Whether pods try another login first is known only where the other pull secrets of their service account may be
    # read: for that, allow `get` of their names, too. To bind the roles to whoever runs it:
    #   kubectl --context prod create clusterrolebinding regcred-10ebbacc --clusterrole=regcred-10ebbacc --user=NAME
    #   kubectl --context prod -n runai create rolebinding regcred-10ebbacc --role=regcred-10ebbacc --user=NAME
    ---
    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRole
    metadata: { name: regcred-10ebbacc }
    rules:
      - { apiGroups: [""], resources: [namespaces], verbs: [list] }
      - { apiGroups: [""], resources: [secrets], verbs: [create] }
      - { apiGroups: [""], resources: [secrets], resourceNames: ["docker-hub"], verbs: [get, list, patch] }
      - { apiGroups: [""], resources: [secrets], resourceNames: ["docker-hub.before-replace"], verbs: [get, list] }
      - { apiGroups: [""], resources: [serviceaccounts], resourceNames: ["default"], verbs: [get, list, patch] }
    ---
    apiVersion: rbac.authorization.k8s.io/v1
    kind: Role
    metadata: { name: regcred-10ebbacc, namespace: "runai" }
    rules:
      - { apiGroups: [""], resources: [secrets], resourceNames: ["pulls"], verbs: [get, patch] }
      - { apiGroups: [""], resources: [secrets], resourceNames: ["pulls.before-replace"], verbs: [get] }
    "##);
    insta::assert_snapshot!(roles(&[wanted(named(&["team-b"]))], PROD, true), @r##"
    # The smallest roles for `regcred sync` on prod. `plan` and `verify` do without create and patch;
    # They suffice for `sync --allow-replace` and `remove`, too.
    # Whether pods try another login first is known only where the other pull secrets of their service account may be
    # read: for that, allow `get` of their names, too. To bind the roles to whoever runs it:
    #   kubectl --context prod -n team-b create rolebinding regcred-eb85628d --role=regcred-eb85628d --user=NAME
    ---
    apiVersion: rbac.authorization.k8s.io/v1
    kind: Role
    metadata: { name: regcred-eb85628d, namespace: "team-b" }
    rules:
      - { apiGroups: [""], resources: [namespaces], verbs: [get] }
      - { apiGroups: [""], resources: [secrets], verbs: [create] }
      - { apiGroups: [""], resources: [secrets], resourceNames: ["docker-hub"], verbs: [get, patch, delete] }
      - { apiGroups: [""], resources: [secrets], resourceNames: ["docker-hub.before-replace"], verbs: [get, delete] }
      - { apiGroups: [""], resources: [serviceaccounts], resourceNames: ["default"], verbs: [get, patch] }
    "##);
}
