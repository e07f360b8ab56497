//! Starts the sandbox for people: prints what to export, and stays until it is interrupted.

mod report;

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use clap::{Parser, Subcommand};
use regcred_sandbox::{Call, Fronts, Ports, Sandbox, World};
use tokio::runtime::Builder;
use tokio::signal::unix::{SignalKind, signal};

/// Loopback doubles of AWS (Secrets Manager, ECR, STS), Daytona, GitHub, Kubernetes, Docker Hub and RunPod.
///
/// Prints `export NAME=value` lines, then serves until Ctrl-C. What landed where: GET /_sandbox/state on any of the
/// addresses; the requests so far: GET /_sandbox/calls.
#[derive(Debug, Parser)]
#[command(version, args_conflicts_with_subcommands = true)]
struct Options {
    #[command(subcommand)]
    command: Option<Command>,
    /// World to start from, and to save to after each write; JSON
    #[arg(long, value_name = "FILE")]
    state: Option<PathBuf>,
    /// Delay of every answer
    #[arg(long, value_name = "N", default_value_t = 0)]
    latency_ms: u64,
    /// Append one JSON line for each finished request
    #[arg(long, value_name = "FILE")]
    calls: Option<PathBuf>,
    /// Docker Hub user that can log in
    #[arg(long, value_name = "NAME", default_value = "acme")]
    docker_hub_user: String,
    /// That user's token
    #[arg(long, value_name = "TOKEN", default_value = "dckr_pat_sandbox-0123456789abcdefghi")]
    docker_hub_token: String,
    /// Port of AWS
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    port_aws: u16,
    /// Port of Daytona
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    port_daytona: u16,
    /// Port of GitHub
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    port_github: u16,
    /// Port of Kubernetes
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    port_kubernetes: u16,
    /// Write the kubeconfig of the clusters there, and export KUBECONFIG
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Port of Docker Hub
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    port_registry: u16,
    /// Port of RunPod
    #[arg(long, value_name = "PORT", default_value_t = 0)]
    port_runpod: u16,
    /// Export addresses that speak TLS, of all but the clusters; write the certificate of who vouches for them there
    #[arg(long, value_name = "FILE")]
    tls: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Tell what landed where and what it took, from the files of an earlier or running sandbox
    Report(report::Report),
}

fn main() -> io::Result<()> {
    let options = Options::parse();
    if let Some(Command::Report(report)) = &options.command {
        return report.print();
    }
    let ports = Ports {
        aws: options.port_aws,
        daytona: options.port_daytona,
        github: options.port_github,
        kubernetes: options.port_kubernetes,
        registry: options.port_registry,
        runpod: options.port_runpod,
    };
    let sandbox = Sandbox::start_on(world(&options)?, ports)?;
    sandbox.set_latency(Duration::from_millis(options.latency_ms));
    record(&sandbox, &options)?;
    Builder::new_current_thread().enable_all().build()?.block_on(serve(&sandbox, &options))?;
    save(options.state.as_deref(), &sandbox.snapshot())
}

fn world(options: &Options) -> io::Result<World> {
    let mut world = match &options.state {
        Some(path) if path.exists() => serde_json::from_reader(File::open(path)?)?,
        _ => World::default(),
    };
    if !world.registry.accepts(&options.docker_hub_user, &options.docker_hub_token) {
        world.registry.add_account(&options.docker_hub_user, &options.docker_hub_token);
    }
    Ok(world)
}

/// Calls go to their file, and the world to its own after each write, so that a killed sandbox loses nothing.
fn record(sandbox: &Sandbox, options: &Options) -> io::Result<()> {
    let calls = options
        .calls
        .as_ref()
        .map(|path| OpenOptions::new().create(true).append(true).open(path))
        .transpose()?;
    let calls = calls.map(Mutex::new);
    let (state, world) = (options.state.clone(), sandbox.watcher());
    sandbox.on_call(move |call| {
        let written = calls.as_ref().map_or(Ok(()), |file| append(file, call));
        // A copy of a large world takes its time.
        let saved = match &state {
            Some(path) if call.is_write => save(Some(path), &world()),
            _ => Ok(()),
        };
        if let Err(error) = written.and(saved) {
            // Nobody else can be told from here, and the request itself has been served.
            writeln!(io::stderr(), "regcred-sandbox: {error}").ok();
        }
    });
    Ok(())
}

fn append(file: &Mutex<File>, call: &Call) -> io::Result<()> {
    let line = format!("{}\n", serde_json::to_string(call)?);
    file.lock().map_err(|error| io::Error::other(error.to_string()))?.write_all(line.as_bytes())
}

/// Through a second file, so that a kill in between leaves the old one whole.
fn save(path: Option<&Path>, world: &World) -> io::Result<()> {
    let Some(path) = path else { return Ok(()) };
    let new = path.with_extension("new");
    std::fs::write(&new, serde_json::to_vec_pretty(world)?)?;
    std::fs::rename(new, path)
}

fn print_environment(sandbox: &Sandbox, options: &Options, fronts: Option<&Fronts>) -> io::Result<()> {
    let mut env = sandbox.env();
    if let Some(path) = &options.kubeconfig {
        sandbox.write_kubeconfig(path)?;
        env.insert("KUBECONFIG".to_owned(), absolute(path)?);
    }
    if let (Some(path), Some(fronts)) = (&options.tls, fronts) {
        std::fs::write(path, fronts.authority())?;
        for value in env.values_mut() {
            *value = fronts.told(value);
        }
        for name in CERTIFICATES {
            env.insert((*name).to_owned(), absolute(path)?);
        }
    }
    let lines = env.into_iter().map(|(name, value)| format!("export {name}={}\n", quoted(&value)));
    // In one piece: whoever has read the line that it waits for may close its end.
    let mut out = io::stdout().lock();
    out.write_all(lines.collect::<String>().as_bytes())?;
    out.flush()
}

/// Where regcred and gh, the AWS CLI and SDKs, and Python's requests look for those whom they trust.
const CERTIFICATES: &[&str] = &["SSL_CERT_FILE", "AWS_CA_BUNDLE", "REQUESTS_CA_BUNDLE"];

fn absolute(path: &Path) -> io::Result<String> {
    Ok(std::path::absolute(path)?.display().to_string())
}

/// For a POSIX shell.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', "'\\''"))
}

/// Prints the environment and stays until a signal. Signals are listened for first: whoever has read the last line may
/// send one at once.
async fn serve(sandbox: &Sandbox, options: &Options) -> io::Result<()> {
    let fronts = options.tls.as_ref().map(|_| sandbox.fronts()).transpose()?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    let mut terminated = signal(SignalKind::terminate())?;
    print_environment(sandbox, options, fronts.as_ref())?;
    tokio::select! {
        _ = interrupted.recv() => {}
        _ = terminated.recv() => {}
    }
    Ok(())
}
