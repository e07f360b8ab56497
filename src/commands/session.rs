//! The first half of every command: load, read the credential, prove it and read the systems beside
//! each other, plan.

use std::cell::LazyCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use futures::future::{join_all, try_join_all};

use crate::aws;
use crate::change::{Known, Life, Options, Purpose};
use crate::cli::{Common, Overrides};
use crate::desired::rotation::Rotation;
use crate::desired::{self, Desired, Loaded, Request};
use crate::env::Env;
use crate::error::Error;
use crate::model::{Class, Credential, CredentialId, Place, Problem, Shard, nearest};
use crate::net::Http;
use crate::plan::{self, Plan};
use crate::prove::{self, Proofs};
use crate::registry::{Endpoints, LoginError};
use crate::report::{ExitStatus, Report};
use crate::sources::{self, Shared, Source};
use crate::systems::{Clients, NAMES, Observed};
use crate::targets::{Look, Setting};
use crate::ui::{Ui, Verbosity};
use crate::vault::Vault;
use crate::view::{Again, Shown, human, json, rounded};

/// What takes longer than these seconds is said beforehand.
pub(super) const LONG: usize = 60;

/// What a command runs in.
pub struct Context<'a> {
    /// What every command takes.
    pub common: &'a Common,
    /// The environment.
    pub env: &'a Env,
    /// The working folder.
    pub dir: &'a Path,
    /// The terminal.
    pub ui: &'a Arc<Ui>,
    /// What the next command keeps of this one.
    pub again: &'a Again,
    /// The part of what is declared that the run is about, if it is not all of it; or why there is no such part.
    pub shard: &'a Result<Option<Shard>, Problem>,
}

/// A planned run: all that the second half of a command needs.
pub(super) struct Session {
    pub(super) http: Http,
    pub(super) desired: Desired,
    pub(super) clients: Clients,
    pub(super) observed: Observed,
    pub(super) vault: Vault,
    pub(super) proofs: Proofs,
    pub(super) plan: Plan,
    pub(super) registries: Endpoints,
    /// How each credential is rotated, where the file says it.
    pub(super) rotations: BTreeMap<CredentialId, Rotation>,
    /// How long values have been in use and will be, where that was asked.
    pub(super) lives: BTreeMap<CredentialId, Life>,
    /// The folder of the configuration.
    pub(super) base: PathBuf,
    options: Options,
    known: BTreeMap<CredentialId, Known>,
}

impl Context<'_> {
    pub(super) fn concurrency(&self) -> usize {
        usize::from(self.common.concurrency)
    }

    /// How a plan is laid out: with the rows that stay and all causes, if more is wanted.
    pub(super) fn layout(&self, keeps: bool) -> human::Layout {
        let more = self.ui.verbosity() >= Verbosity::Verbose;
        human::Layout { width: self.ui.width(), keeps: keeps || more, causes: more, states: false }
    }

    /// Writes the page that was asked for.
    pub(super) fn page(&self, to: Option<&Path>, page: impl FnOnce() -> String) -> Result<(), Error> {
        let Some(file) = to else { return Ok(()) };
        self.ui.page(&self.dir.join(file), &page()).map_err(|error| {
            // Not by which name it is made beside it.
            let why = error.to_string();
            let why = why.split(" at path ").next().unwrap_or_default();
            let problem = Problem::input(format!("cannot be written: {why}")).at(Place::file(file));
            Error::Invalid(vec![problem.hint("name a file in a folder that is there")])
        })
    }

    /// The file that Markdown goes to; nothing where it is printed, or not wanted. `instead` is the command that does both.
    pub(super) fn markdown_file<'f>(
        &self,
        to: Option<&'f Path>,
        instead: &str,
    ) -> Result<Option<&'f Path>, Error> {
        let printed = to == Some(Path::new("-"));
        if self.common.json && printed {
            let hint = Some(format!("regcred {instead}"));
            return Err(Error::invalid("--json and --markdown both print a document", hint));
        }
        Ok(to.filter(|_| !printed))
    }

    /// Writes Markdown into a file. `instead` is the command that writes it elsewhere.
    pub(super) fn markdown(&self, file: &Path, text: &str, instead: &str) -> Result<(), Error> {
        self.ui.file(&self.dir.join(file), text).map_err(|error| {
            let problem = Problem::input(format!("cannot be written: {error}")).at(Place::file(file));
            Error::Invalid(vec![problem.hint(format!("regcred {instead}"))])
        })
    }

    /// How the result of a run is shown.
    pub(super) fn said(&self) -> human::Said {
        human::Said { width: self.ui.columns(), all: self.ui.verbosity() >= Verbosity::Verbose }
    }

    pub(super) fn options(&self, overrides: Overrides) -> Options {
        let Overrides { rewrite, allow_delete, allow_replace } = overrides;
        let (stack_run, only) = (!self.common.stack.is_empty(), self.common.only.clone());
        let purpose = Purpose::Sync;
        Options { purpose, stack_run, only, rewrite, allow_delete, allow_replace, old: None }
    }

    /// Loads, reads and plans what would be deleted. No value is needed for that, so none is read or proven.
    pub(super) async fn session_of_removal(&self, allow_delete: bool) -> Result<Session, Error> {
        let planned = async {
            let Loaded { desired, base, .. } =
                desired::load_places(&self.request()?, self.env, self.dir).map_err(Error::Invalid)?;
            let http = self.http()?;
            self.ui.begin(&format!("Reading {} …", desired.places.words().join(" and ")));
            let clients = desired.places.log_in(&Setting { env: self.env, http: &http, base: &base }).await;
            let observed = self.look_at(&desired, &clients).await;
            let overrides = Overrides { allow_delete, ..Overrides::default() };
            let options = Options { purpose: Purpose::Remove, ..self.options(overrides) };
            let plan = plan::plan(&desired, &observed, &BTreeMap::new(), &options).paced(&clients);
            self.check_only(&plan)?;
            let (vault, proofs, known) = (Vault::default(), Proofs::new(), BTreeMap::new());
            let registries = Endpoints::default();
            let (rotations, lives) = (BTreeMap::new(), BTreeMap::new());
            Ok(Session {
                http,
                desired,
                clients,
                observed,
                vault,
                proofs,
                plan,
                registries,
                rotations,
                lives,
                base,
                options,
                known,
            })
        };
        let session = planned.await;
        self.ui.idle();
        self.tell_stream(session)
    }

    pub(super) fn http(&self) -> Result<Http, Error> {
        let http = Http::new(self.env).map_err(|problem| Error::Invalid(vec![problem]))?;
        let ui = Arc::clone(self.ui);
        Ok(http.telling(move |words| ui.say(words)))
    }

    async fn look_at(&self, desired: &Desired, clients: &Clients) -> Observed {
        let say = |words: &str| self.ui.say(words);
        let (shard, wait) = (desired.shard, Duration::ZERO);
        let look = Look { shard, concurrency: self.concurrency(), wait, say: &say };
        desired.places.observe(clients, &look).await
    }

    /// Loads, reads, proves, observes and plans; waits so long for a system that is still starting.
    pub(super) async fn session(
        &self,
        overrides: Overrides,
        wait: Option<Duration>,
    ) -> Result<Session, Error> {
        let mut loaded = self.load()?;
        self.ask(&mut loaded)?;
        self.session_of(loaded, self.options(overrides), wait.unwrap_or_default(), None).await
    }

    /// The same of what is loaded; with values that are read elsewhere, or not there yet, nothing is read and proven.
    pub(super) async fn session_of(
        &self,
        loaded: Loaded,
        options: Options,
        wait: Duration,
        known: Option<BTreeMap<CredentialId, Known>>,
    ) -> Result<Session, Error> {
        let places = loaded.desired.places.words().join(" and ");
        let reading = if places.is_empty() { String::new() } else { format!(" and reading {places}") };
        let (requests, seconds) = loaded.desired.places.reading();
        if seconds >= LONG {
            let time = rounded(Duration::from_secs(seconds as u64));
            let requests = human::number(requests, "request");
            self.ui.say(&format!("Reading takes {requests}, about {time}."));
        }
        self.ui.begin(&format!("Proving the credential{reading} …"));
        let session = self.observe_and_plan(loaded, options, wait, known).await;
        self.ui.idle();
        session
    }

    /// The same for a command with a stream, which says too why there is no plan.
    pub(super) async fn session_of_stream(
        &self,
        overrides: Overrides,
        wait: Option<Duration>,
    ) -> Result<Session, Error> {
        self.tell_stream(self.session(overrides, wait).await)
    }

    /// What is wrong, as it is told: with files as they are named here, and commands that keep what this one selected.
    #[must_use]
    pub fn problems(&self, error: &Error) -> Vec<Problem> {
        let told = |problem: &Problem| self.again.problem(problem).seen_from(self.dir);
        error.problems().iter().map(told).collect()
    }

    /// Says in the stream, if there is one, why it ends here.
    pub(super) fn tell_stream<T>(&self, result: Result<T, Error>) -> Result<T, Error> {
        if let (Err(error), true) = (&result, self.common.json) {
            let shard = self.shard.as_ref().ok().copied().flatten();
            self.ui.data(&json::ended(&self.problems(error), error.status() as u8, shard))?;
        }
        result
    }

    /// The part of what is declared that the run is about, if it is not all of it.
    pub(super) fn shard(&self) -> Result<Option<Shard>, Error> {
        self.shard.clone().map_err(|problem| Error::Invalid(vec![problem]))
    }

    /// What the command line selects, with the file that is meant.
    pub(super) fn request(&self) -> Result<Request, Error> {
        let request = Request {
            file: self.common.file.clone(),
            note: None,
            stacks: self.common.stack.clone(),
            credential: self.common.credential.clone(),
            only: self.common.only.clone(),
            shard: self.shard()?,
        };
        request.found(self.env, self.dir).map_err(|problem| Error::Invalid(vec![problem]))
    }

    /// Says what could not be read, after what is printed.
    pub(super) fn tell_unread(&self, session: &Session) {
        if !self.common.json {
            self.ui.errors(&human::unread(&session.plan));
        }
    }

    pub(super) fn load(&self) -> Result<Loaded, Error> {
        desired::load(&self.request()?, self.env, self.dir).map_err(Error::Invalid)
    }

    /// Asks whoever sits at the terminal for what is read from there.
    pub(super) fn ask(&self, loaded: &mut Loaded) -> Result<(), Error> {
        for (id, source) in loaded.sources.iter_mut().filter(|(_, source)| source.is_stdin()) {
            if !self.ui.reads_terminal() {
                continue;
            }
            if !self.ui.can_ask() {
                let message = format!(
                    "the value of {id} is read from standard input, and regcred is not allowed to ask"
                );
                let hint = "pipe in the user name and the token, a line each".to_owned();
                return Err(Error::invalid(message, Some(hint)));
            }
            let unread =
                |error: std::io::Error| Error::invalid(format!("the terminal cannot be read: {error}"), None);
            let username = match source.user() {
                Some(username) => username.to_owned(),
                None => self.ui.ask(&format!("User name of {id}:")).map_err(unread)?,
            };
            let token = self.ui.ask_secret(&format!("Token of {id} (not shown):")).map_err(unread)?;
            source.typed(&username, &token).map_err(|problem| Error::Invalid(vec![problem]))?;
        }
        Ok(())
    }

    async fn observe_and_plan(
        &self,
        loaded: Loaded,
        options: Options,
        wait: Duration,
        given: Option<BTreeMap<CredentialId, Known>>,
    ) -> Result<Session, Error> {
        let Loaded { mut desired, sources, registries, rotations, base } = loaded;
        let http = self.http()?;
        let way = aws::Way::new(&http, self.env, desired.places.aws.iter().any(|place| place.insecure));
        let setting = Setting { env: self.env, http: &http, base: &base };
        let say = |words: &str| self.ui.say(words);
        let look = Look { shard: desired.shard, concurrency: self.concurrency(), wait, say: &say };
        let reading = async {
            let clients = desired.places.with(&desired.guards).log_in(&setting).await;
            let mut observed = desired.places.observe(&clients, &look).await;
            desired.guards.look_at_guards(&clients, &mut observed).await;
            Ok::<_, Error>((clients, observed))
        };
        let proving = async {
            if let Some(known) = given {
                return Ok((Vault::default(), known, Vec::new(), Proofs::new()));
            }
            read_and_prove(&sources, &desired.credentials, way.clone(), &http, &registries).await
        };
        // What is wrong with the value ends the run without waiting for the systems.
        let ((clients, observed), (vault, mut known, refused, proofs)) = tokio::try_join!(reading, proving)?;
        refused.into_iter().for_each(|(id, why)| desired.refuse(&id, why));
        let mut plan = plan::plan(&desired, &observed, &known, &options);
        // Asked only where it can make a difference.
        let everywhere = LazyCell::new(|| desired.places.with(&desired.guards));
        for id in plan.unknown() {
            let since = everywhere.current_since(&clients, &observed, &id).await;
            known.entry(id).and_modify(|known| known.current_since = since);
        }
        if known.values().any(|known| known.current_since.is_some()) {
            plan = plan::plan(&desired, &observed, &known, &options);
        }
        self.check_only(&plan)?;
        let (plan, lives) = (plan.paced(&clients), BTreeMap::new());
        Ok(Session {
            http,
            desired,
            clients,
            observed,
            vault,
            proofs,
            plan,
            registries,
            rotations,
            lives,
            base,
            options,
            known,
        })
    }

    /// A prefix that selects nothing is a slip.
    fn check_only(&self, plan: &Plan) -> Result<(), Error> {
        let [first, ..] = self.common.only.as_slice() else { return Ok(()) };
        // What it selects may be in another shard.
        if !plan.changes.is_empty() || plan.shard.is_some() {
            return Ok(());
        }
        let (system, rest) = first.split_once(':').unwrap_or((first.as_str(), ""));
        let hint = match nearest(system, NAMES) {
            _ if NAMES.contains(&system) && rest.is_empty() => {
                "declare it below `to:` in the file".to_owned()
            }
            _ if NAMES.contains(&system) => format!("to see what is there: regcred plan --only {system}:"),
            Some(near) => format!("did you mean {near}:?"),
            None => format!("an address starts with one of: {}:", NAMES.join(":, ")),
        };
        let message = format!("no address starts with {}", self.common.only.join(" or "));
        Err(Error::invalid(message, Some(hint)))
    }
}

impl Session {
    /// The same plan, of what is there now.
    pub(super) async fn planned_again(&self, context: &Context<'_>) -> Plan {
        self.planned_of(&self.looked_again(context).await)
    }

    /// What is there now.
    pub(super) async fn looked_again(&self, context: &Context<'_>) -> Observed {
        context.look_at(&self.desired, &self.clients).await
    }

    /// The same plan, of what was found.
    pub(super) fn planned_of(&self, observed: &Observed) -> Plan {
        plan::plan(&self.desired, observed, &self.known, &self.options)
    }

    /// What is known of a credential's value.
    pub(super) fn known(&self, id: &CredentialId) -> Option<&Known> {
        self.known.get(id)
    }

    pub(super) fn shown<'a>(&'a self, again: &'a Again) -> Shown<'a> {
        Shown {
            again,
            credentials: &self.desired.credentials,
            known: &self.known,
            proofs: &self.proofs,
            plan: &self.plan,
            lives: &self.lives,
        }
    }

    /// The same; a stream is ended with its plan and summary before that.
    pub(super) fn prove_or_end(&mut self, context: &Context<'_>) -> Result<(), Error> {
        let errors: Vec<bool> =
            self.proofs.values().filter_map(|proof| Some(proof.as_ref().err()?.is_refusal())).collect();
        if !errors.is_empty() && context.common.json {
            context
                .ui
                .data(&(json::version(None, self.plan.shard) + &json::planned(&self.shown(context.again))))?;
            let status = if errors.contains(&true) { ExitStatus::Refused } else { ExitStatus::Failed };
            self.end_stream(context, status)?;
        }
        self.check_proofs()
    }

    /// Has a refusal say that the token is listed as switched off.
    pub(super) fn refused_as_off(&mut self, id: &CredentialId, label: &str) {
        let proof = self.proofs.remove(id);
        let proof = proof.map(|proof| proof.map_err(|error| error.of_a_token_that_is_off(label)));
        self.proofs.extend(proof.map(|proof| (id.clone(), proof)));
    }

    /// The last line of a stream that ends before anything was written.
    pub(super) fn end_stream(&self, context: &Context<'_>, status: ExitStatus) -> Result<(), Error> {
        if context.common.json && status != ExitStatus::Done {
            context.ui.data(&json::summary(
                &self.shown(context.again),
                &Report::of_plan(&self.plan),
                status as u8,
            ))?;
        }
        Ok(())
    }

    /// Nothing is written unless every credential has been accepted upstream.
    pub(super) fn check_proofs(&mut self) -> Result<(), Error> {
        let failed = std::mem::take(&mut self.proofs).into_iter();
        let (proven, failed): (Vec<_>, Vec<_>) = failed.partition(|(_, proof)| proof.is_ok());
        self.proofs = proven.into_iter().collect();
        let senders = |id: &CredentialId| {
            let changes = self.plan.changes.iter();
            let others = changes.filter(|row| row.reason.is_other_value() && row.credentials.contains(id));
            others.map(|row| row.address.to_string()).collect()
        };
        let told = |(id, proof): (CredentialId, Result<_, LoginError>)| {
            let error = proof.err()?.sent_by(|| senders(&id));
            Some((id, error))
        };
        let failed: Vec<_> = failed.into_iter().filter_map(told).collect();
        if failed.is_empty() { Ok(()) } else { Err(Error::Proof(failed)) }
    }
}

/// The values, what is known of them, those that are not read because the repository is not trusted, and the proofs.
type Values = (Vault, BTreeMap<CredentialId, Known>, Vec<(CredentialId, Problem)>, Proofs);

/// Reads every value beside the others, and logs in with them. A registry is asked for its challenge while the value is read,
/// and the fingerprint, which takes as long as a request, is derived while the registry judges the value.
async fn read_and_prove(
    sources: &BTreeMap<CredentialId, Source>,
    credentials: &[Credential],
    way: aws::Way,
    http: &Http,
    registries: &Endpoints,
) -> Result<Values, Error> {
    let credentials: Vec<&Credential> =
        credentials.iter().filter(|credential| sources.contains_key(&credential.id)).collect();
    let asking = join_all(credentials.iter().map(|credential| prove::ask(http, registries, credential)));
    let reading = read_values(sources, &credentials, way);
    let (doors, (vault, refused)) = tokio::try_join!(asking.map(Ok), reading)?;
    let each = credentials.into_iter().zip(doors).filter_map(|(credential, door)| {
        let login = vault.get(&credential.id)?;
        Some(async move {
            let proof = async { door?.login(&login.username, &login.token).await };
            let (known, proof) = tokio::join!(sources::known(credential, login), proof);
            Ok::<_, Vec<Problem>>((&credential.id, known?, proof))
        })
    });
    let each = try_join_all(each).await.map_err(|problems| not_read(vec![problems]))?;
    let (mut known, mut proofs) = (BTreeMap::new(), Proofs::new());
    for (id, of_value, proof) in each {
        known.insert(id.clone(), of_value);
        proofs.insert(id.clone(), proof);
    }
    Ok((vault, known, refused, proofs))
}

async fn read_values(
    sources: &BTreeMap<CredentialId, Source>,
    credentials: &[&Credential],
    way: aws::Way,
) -> Result<(Vault, Vec<(CredentialId, Problem)>), Error> {
    let shared = Shared::new(way);
    let with_source =
        credentials.iter().filter_map(|credential| Some((*credential, sources.get(&credential.id)?)));
    let reading = with_source
        .map(async |(credential, source)| (credential.id.clone(), source.value(credential, &shared).await));
    let (mut vault, mut refused, mut unread) = (Vault::default(), Vec::new(), Vec::new());
    for (id, read) in join_all(reading).await {
        match read {
            Ok(login) => vault.insert(id, login),
            Err(failed) => match failed.iter().find(|problem| problem.is_untrusted()) {
                Some(why) => refused.push((id, why.clone())),
                None => unread.push(failed),
            },
        }
    }
    if unread.is_empty() { Ok((vault, refused)) } else { Err(not_read(unread)) }
}

/// What is wrong with the input counts before what failed outside; what two credentials share is said once.
pub(super) fn not_read(unread: Vec<Vec<Problem>>) -> Error {
    let unread: Vec<Problem> = unread.into_iter().flatten().collect();
    let outside = unread.iter().all(|problem| problem.class != Class::Input);
    let mut problems: Vec<Problem> = Vec::new();
    for problem in unread {
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }
    if outside { Error::Source(problems) } else { Error::Invalid(problems) }
}
