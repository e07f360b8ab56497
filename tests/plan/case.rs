//! Small builders: one credential, one stack, one repository, and what was found of them.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use regcred::aws::Session;
use regcred::change::{Action, Known, Options, ReasonKind};
use regcred::desired::Desired;
use regcred::model::{Credential, CredentialId, Fingerprint, Problem, Registry, TokenKind};
use regcred::plan::{Change, Plan, plan};
use regcred::systems::{Observed, Places};
use regcred::targets::aws::{self, CURRENT, Identity, Rule, RuleOwner, Secret, Stack};
use regcred::targets::github::{self, Found, Marker, Names, Place, Store};

use crate::model;

pub(crate) const ACCOUNT: &str = "123456789012";
pub(crate) const REGION: &str = "us-east-2";
pub(crate) const NAME: &str = "ecr-pullthroughcache/docker-hub";
pub(crate) const PREFIX: &str = "main-docker-hub";
pub(crate) const USER: &str = "arn:aws:iam::123456789012:user/regcred";
pub(crate) const HUB: &str = "registry-1.docker.io";

pub(crate) const POLICY: &str = "aws:123456789012/us-east-2/policy/ecr-pullthroughcache/docker-hub";
pub(crate) const SECRET: &str = "aws:123456789012/us-east-2/secret/ecr-pullthroughcache/docker-hub";
pub(crate) const RULE: &str = "aws:123456789012/us-east-2/cache-rule/main-docker-hub";
pub(crate) const USERNAME: &str = "github:acme/api/actions/DOCKER_HUB_USERNAME";
pub(crate) const TOKEN: &str = "github:acme/api/actions/DOCKER_HUB_TOKEN";
pub(crate) const MARKER: &str = "github:acme/api/variables/DOCKER_HUB_SYNC";

/// Everything that the planner looks at.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) desired: Desired,
    pub(crate) observed: Observed,
    pub(crate) known: BTreeMap<CredentialId, Known>,
    pub(crate) options: Options,
}

pub(crate) fn id() -> CredentialId {
    CredentialId("docker-hub".to_owned())
}

/// The fingerprint of the credential that is wanted, and of an earlier one.
pub(crate) fn ours() -> Fingerprint {
    Fingerprint::parse(&"ab".repeat(32)).unwrap()
}

pub(crate) fn earlier() -> Fingerprint {
    Fingerprint::parse(&"cd".repeat(32)).unwrap()
}

/// What is known of the wanted credential.
pub(crate) fn known(kind: TokenKind) -> Known {
    Known { username: "acme".to_owned(), fingerprint: ours(), kind, current_since: None }
}

pub(crate) fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
}

pub(crate) fn session(region: &str) -> Session {
    Session { region: region.to_owned(), profile: None, roles: Vec::new() }
}

pub(crate) fn stack(name: &str, region: &str) -> Stack {
    Stack {
        name: name.to_owned(),
        session: session(region),
        accounts: BTreeSet::new(),
        forbidden: BTreeSet::new(),
        untouched: None,
        prefix: format!("{name}-docker-hub"),
        rules: RuleOwner::Regcred,
    }
}

pub(crate) fn place(repo: &str) -> github::Desired {
    github::Desired {
        credential: id(),
        place: Place { owner: "acme".to_owned(), repo: Some(repo.to_owned()), store: Store::Actions },
        names: Names::of(&id()),
        create_environment: false,
        audience: None,
        search: None,
        app: None,
        insecure: false,
    }
}

pub(crate) fn empty_place() -> Found {
    Found {
        secrets: Ok(BTreeMap::new()),
        audiences: BTreeMap::new(),
        marker: Ok(None),
        archived: false,
        of_organization: false,
        environment_absent: false,
        renamed: BTreeMap::new(),
    }
}

pub(crate) fn unreadable(reason: &str) -> Problem {
    Problem::outside(reason)
}

pub(crate) fn foreign_arn() -> String {
    format!("arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{NAME}-AbCdEf")
}

/// A version that holds the wanted credential, or an earlier one, with its stage.
pub(crate) fn version(fingerprint: Fingerprint, stage: &str) -> (String, BTreeSet<String>) {
    (fingerprint.version_id(NAME), [stage.to_owned()].into())
}

impl Case {
    /// The login works everywhere; nothing is there yet.
    pub(crate) fn empty() -> Self {
        let mut case = Self {
            desired: Desired {
                others: regcred::systems::Places::default(),
                credentials: vec![Credential {
                    id: id(),
                    registry: Registry::docker_hub(),
                    token_service: None,
                    source: "pulumi:infra/main".to_owned(),
                }],
                places: Places {
                    aws: vec![aws::Desired {
                        credential: id(),
                        registry: Registry::docker_hub(),
                        secret: NAME.to_owned(),
                        provisioners: None,
                        tags: BTreeMap::new(),
                        readers: None,
                        stacks: Vec::new(),
                        insecure: false,
                    }],
                    github: vec![place("api")],
                    ..Places::default()
                },
                refused: Vec::new(),
                shard: None,
                guards: Places::default(),
                notes: Vec::new(),
            },
            observed: Observed::default(),
            known: [(id(), known(TokenKind::DockerPersonal))].into(),
            options: Options::default(),
        };
        case.add_stack(stack("main", REGION), ACCOUNT);
        case.observed.github.places.insert(place("api").key(), empty_place());
        case
    }

    /// Everything is there as wanted: what the plan of nothing comes to.
    pub(crate) fn in_place() -> Self {
        Self::empty().applied()
    }

    /// One more stack, whose login is for `account`; nothing is there unless its session was seen before.
    pub(crate) fn add_stack(&mut self, stack: Stack, account: &str) {
        let session = stack.session.clone();
        self.desired.places.aws[0].stacks.push(stack);
        let identity =
            Identity { account: account.to_owned(), arn: format!("arn:aws:iam::{account}:user/regcred") };
        let aws = &mut self.observed.aws;
        let key = (session.clone(), NAME.to_owned());
        aws.identities.entry(session.clone()).or_insert(Ok(identity));
        aws.secrets.entry(key.clone()).or_insert(Ok(None));
        aws.policies.entry(key).or_insert(Ok(None));
        aws.rules.entry(session).or_insert_with(|| Ok(BTreeMap::new()));
    }

    pub(crate) fn plan(&self) -> Plan {
        plan(&self.desired, &self.observed, &self.known, &self.options)
    }

    /// The same world after its plan was executed.
    pub(crate) fn applied(&self) -> Self {
        let mut next = self.clone();
        model::apply(&self.plan(), &mut next.observed);
        next
    }

    pub(crate) fn key(&self) -> (Session, String) {
        (session(REGION), NAME.to_owned())
    }

    /// The secret as it was found; made empty if there was none.
    pub(crate) fn secret(&mut self) -> &mut Secret {
        let key = self.key();
        let found = self.observed.aws.secrets.entry(key).or_insert(Ok(None));
        found.as_mut().unwrap().get_or_insert_with(|| Secret { arn: foreign_arn(), ..Secret::default() })
    }

    /// Another credential is current in the secret.
    pub(crate) fn hold_another(&mut self) {
        self.secret().versions = [version(earlier(), CURRENT)].into();
    }

    pub(crate) fn set_policy(&mut self, policy: Option<&str>) {
        let key = self.key();
        self.observed.aws.policies.insert(key, Ok(policy.map(str::to_owned)));
    }

    pub(crate) fn policy(&self) -> Option<String> {
        self.observed.aws.policies[&self.key()].clone().unwrap()
    }

    pub(crate) fn rules(&mut self) -> &mut BTreeMap<String, Rule> {
        self.observed.aws.rules.get_mut(&session(REGION)).unwrap().as_mut().unwrap()
    }

    /// Rules of other people: `count` of them.
    pub(crate) fn crowd(&mut self, count: usize) {
        let rule = Rule { upstream_url: "public.ecr.aws".to_owned(), credential_arn: None };
        self.rules().extend((0..count).map(|number| (format!("other-{number:02}"), rule.clone())));
    }

    pub(crate) fn found(&mut self) -> &mut Found {
        self.observed.github.places.get_mut(&place("api").key()).unwrap()
    }

    pub(crate) fn marker(&mut self) -> &mut Marker {
        self.found().marker.as_mut().unwrap().as_mut().unwrap()
    }

    /// A value that is no recognised token, so that no marker may be kept.
    pub(crate) fn current_since(&mut self, since: chrono::DateTime<chrono::Utc>) {
        self.known.get_mut(&id()).unwrap().current_since = Some(since);
    }

    pub(crate) fn use_password(&mut self) {
        self.known.insert(id(), known(TokenKind::Unknown));
    }
}

pub(crate) fn row<'a>(plan: &'a Plan, address: &str) -> &'a Change {
    plan.changes.iter().find(|change| change.address.to_string() == address).unwrap_or_else(|| {
        let all: Vec<String> = plan.changes.iter().map(|change| change.address.to_string()).collect();
        panic!("no row {address} among {all:#?}")
    })
}

/// The row has this action, for this reason.
#[track_caller]
pub(crate) fn expect(plan: &Plan, address: &str, action: Action, reason: ReasonKind) {
    let row = row(plan, address);
    assert_eq!((row.action, ReasonKind::from(&row.reason)), (action, reason), "{address}: {}", row.reason);
    let written = action.writes() && row.address.is_in_a_system();
    assert_eq!(row.operation.is_some(), written, "{address}: an operation goes with a write");
}

/// Nothing is written.
#[track_caller]
/// Nothing is written but what nobody can know, at these addresses.
pub(crate) fn expect_refreshed(plan: &Plan, addresses: &[&str]) {
    let writing = plan.changes.iter().filter(|change| change.action.writes());
    let refreshed: Vec<(String, Action)> =
        writing.map(|change| (change.address.to_string(), change.action)).collect();
    let expected: Vec<(String, Action)> =
        addresses.iter().map(|address| ((*address).to_owned(), Action::Refresh)).collect();
    assert_eq!(refreshed, expected);
}

pub(crate) fn expect_still(plan: &Plan) {
    let writing: Vec<String> = plan
        .changes
        .iter()
        .filter(|change| change.action.writes())
        .map(|change| format!("{} {} {}", change.action.word(), change.address, change.reason))
        .collect();
    assert!(writing.is_empty() && !plan.writes(), "{writing:#?}");
}
