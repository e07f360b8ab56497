//! What `--help` and the manual pages say beside the flags: examples, and the environment. A test runs every example through
//! the grammar, and holds the list of variables to those that are read.

/// Where a run's logins and addresses come from.
macro_rules! environment {
    () => {
        "
Environment:
  DOCKER_HUB_USERNAME, DOCKER_HUB_TOKEN
                             the credential, where `from:` says nothing else
  PULUMI_STACK, PULUMI_CONFIG_PASSPHRASE[_FILE], PULUMI_ACCESS_TOKEN
                             which stack holds it, and what decrypts it
  AWS_PROFILE, AWS_REGION, AWS_ENDPOINT_URL, …
                             as for every AWS tool
  GITHUB_APP_ID, GITHUB_APP_PRIVATE_KEY[_FILE]
                             a GitHub App, which comes before any token
  GITHUB_TOKEN, GH_TOKEN     the login to github.com and *.ghe.com, else
                             `gh auth token`
  GH_ENTERPRISE_TOKEN, GITHUB_ENTERPRISE_TOKEN, GITHUB_API_URL
                             the same for a server
  GITHUB_REPOSITORY          the repository, where no file names one
  KUBECONFIG                 the clusters
  RUNPOD_API_KEY, RUNPOD_API_URL
                             RunPod
  DAYTONA_API_KEY, DAYTONA_API_URL
                             Daytona
  HTTPS_PROXY, HTTP_PROXY, NO_PROXY, SSL_CERT_FILE, SSL_CERT_DIR, AWS_CA_BUNDLE
                             the way out
  DOCKER_CONFIG              the folder of Docker's configuration
  DOCKER_HUB_API_URL         Docker Hub's API, where tokens are made and
                             switched off
  REGCRED_FILE               the configuration, instead of --file
  REGCRED_SHARD, JOB_COMPLETION_INDEX
                             the part, instead of --shard; which one auto/N is
  REGCRED_REGISTRY_ENDPOINTS
                             registries that are elsewhere than they say:
                             docker.io=http://127.0.0.1:5000,…
  NO_COLOR                   no colour"
    };
}

/// Which file is read.
macro_rules! files {
    () => {
        "

Files:
  regcred.yaml   the configuration, here or in a folder above (`regcred schema`
                 describes it); without it the Pulumi project in ., infra/ or
                 infrastructure/ and the git remote on GitHub"
    };
}

pub(super) const REGCRED: &str = concat!(
    "\
Examples:
  regcred init                 write a first regcred.yaml
  regcred plan                 show what is missing where
  regcred sync                 put it there, after asking
  regcred verify               prove all of it

Exit codes:
  0    done, or nothing to do
  1    failed, nothing written
  2    differences (plan --detailed-exitcode, verify), a value older than
       verify --max-age, images that image --fail-on names
  3    usage or configuration invalid, or not the expected plan: nothing written
  4    the registry refused the credential, or no place could be logged in to:
       nothing written
  5    partial: something is done or in sync, something else failed, is blocked
       or could not be read
  130  interrupted (Ctrl-C, SIGTERM, SIGHUP), after what was being written
",
    environment!(),
    files!()
);

pub(super) const PLAN: &str = concat!(
    "\
Examples:
  regcred plan -v                      with what is in place already
  regcred plan --stack dev --detailed-exitcode
                                       one stack; ends with 2 if it differs
  regcred plan --markdown              for a pull request or a step summary
  regcred plan --json | jq .summary    for programs
  regcred plan --untrusted --trusted ../base/regcred.yaml
                                       a pull request from anybody
",
    environment!(),
    files!()
);

pub(super) const SYNC: &str = concat!(
    "\
Examples:
  regcred sync                             after a look at the plan, and a yes
  regcred sync --yes                       without asking, as in a scheduled run
  regcred sync --expect 5b1e90aa7c21       exactly the plan that was reviewed
  regcred sync --stack dev --yes           before pulumi up of that stack
  regcred sync --only runpod: --yes        one system
  regcred sync --shard 2/4 --yes           one of four parts of a large fleet
",
    environment!(),
    files!()
);

pub(super) const ROTATE: &str = concat!(
    "\
Examples:
  regcred rotate --from stdin        a token that you made: user name and token,
                                     a line each; or the token
  regcred rotate --mint              a token that regcred makes, with the
                                     account's password
  regcred rotate                     what the source gives now, and the old one
                                     out of use
  regcred rotate --from previous     back to the token that AWS had before
  regcred rotate --from stdin --old 'ci laptop' --allow-delete
                                     and an old token that regcred did not make
                                     out of use
  regcred rotate --delete-after 30d  delete what went out of use a month ago

It can be ended at any moment, and goes on when it is run again.
",
    environment!(),
    files!()
);

pub(super) const REMOVE: &str = concat!(
    "\
Examples:
  regcred remove                           after a look at the plan, and a yes
  regcred remove --expect 5b1e90aa7c21     exactly the plan that was reviewed
  regcred remove --stack dev --yes         the rules of one stack
  regcred remove --only runpod:            one system

No credential is needed for it, only the logins to the systems.
",
    environment!(),
    files!()
);

pub(super) const VERIFY: &str = concat!(
    "\
Examples:
  regcred verify                    ends with 2 if a place is missing or differs
  regcred verify --only github:acme/api
  regcred verify --image docker.io/acme/api:1
                                    with which login the image is pulled
  regcred verify --max-age 90d      ends with 2 if a value has been in use for
                                    longer
",
    environment!(),
    files!()
);

pub(super) const REPORT: &str = "\
Examples:
  regcred report shard-*.jsonl             what shards did, and which is missing
  regcred report --markdown plan-*.json    the plans, for a step summary
  regcred report --html fleet.html shard-*.jsonl
  kubectl logs -l job-name=fleet --tail=-1 | regcred report -

It ends with the worst exit code of the runs, and with 1 where a shard is
missing or was cut off.";

pub(super) const IMAGE: &str = "\
Examples:
  regcred image alpine ghcr.io/acme/api:v1     what the names mean
  docker compose config --images | regcred image -
  regcred image --scan . --fail-on anonymous   every image of the repository
  regcred image --scan . --format sarif        for code scanning

Environment:
  REGCRED_FILE   the configuration, instead of --file";

pub(super) const INIT: &str = "\
Examples:
  regcred init                    asks; without a terminal, what is found
  regcred init --to runpod,daytona --from stdin
  regcred init --to kubernetes=prod,github=acme/api --from docker-config
  regcred init --to aws=us-east-2 --from 'command=pass show hub'
  regcred init --file team.yaml   writes there

Environment:
  REGCRED_FILE   the file that is written, instead of --file
  AWS_REGION, AWS_PROFILE, KUBECONFIG, GITHUB_REPOSITORY, DOCKER_CONFIG
                 what is found, as a Pulumi project and a git remote are";

pub(super) const RBAC: &str = "\
Examples:
  regcred rbac | kubectl apply -f -
  regcred rbac prod

Environment:
  REGCRED_FILE   the configuration, instead of --file";

pub(super) const SCHEMA: &str = "\
Examples:
  regcred schema > regcred.schema.json

An editor with a YAML language server reads the first line of the file:
  # yaml-language-server: $schema=regcred.schema.json";

pub(super) const COMPLETIONS: &str = "\
Examples:
  source <(regcred completions bash)
  regcred completions zsh > ~/.zfunc/_regcred
  regcred completions fish > ~/.config/fish/completions/regcred.fish";

pub(super) const MAN: &str = "\
Examples:
  regcred man ~/.local/share/man/man1
  man regcred-sync";

pub(super) const PERMISSIONS: &str = "\
Examples:
  regcred permissions            of what is declared here
  regcred permissions aws github

Environment:
  REGCRED_FILE   the configuration, instead of --file";
