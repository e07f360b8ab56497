//! What was made by others goes on under the same names.

use regcred_sandbox::World;
use regcred_sandbox::aws::{Rule, Version};

use crate::place::{PASSPHRASE, Place, TOKEN};
use crate::world::{ACCOUNT, REGION};

const NAME: &str = "ecr-pullthroughcache/dockerHubSecret";
/// What docs/moving.md says for `pulumi/examples`, `aws-ts-ecr-cache`.
const FILE: &str = "\
version: 1
credentials:
  docker-hub:
    from: { pulumi: { stack: dev } }
    to:
      aws:
        secret: ecr-pullthroughcache/dockerHubSecret
        stacks:
          dev: { region: us-east-2, prefix: docker-hub }
";

/// What that program makes: a secret of its own, whose value AWS gave an id, and the rule `docker-hub`.
fn example() -> World {
    let mut world = World::default();
    let secret = world.aws.add_secret(ACCOUNT, REGION, NAME);
    let arn = secret.arn.clone();
    secret.versions.push(Version {
        id: "6f0b1e5c-0c1d-4e8a-9a55-2f1f7a3c9b10".to_owned(),
        string: Some(format!(r#"{{"username":"acme","accessToken":"{TOKEN}"}}"#)),
        stages: vec!["AWSCURRENT".to_owned()],
        ..Version::default()
    });
    world.aws.rules.push(Rule {
        account: ACCOUNT.to_owned(),
        region: REGION.to_owned(),
        prefix: "docker-hub".to_owned(),
        upstream_url: "registry-1.docker.io".to_owned(),
        credential_arn: Some(arn),
        ..Rule::default()
    });
    world
}

#[test]
fn what_pulumis_example_of_a_cache_made_goes_on_under_its_names_and_with_its_keys() {
    let mut place = Place::bare(example());
    place.unset("DOCKER_HUB_USERNAME");
    place.unset("DOCKER_HUB_TOKEN");
    place.set("PULUMI_CONFIG_PASSPHRASE", PASSPHRASE);
    let stack = include_str!("../fixtures/pulumi/infra/Pulumi.main.yaml");
    let stack = stack.replace("infra:", "cache:").replace("dockerHubToken", "dockerHubAccessToken");
    place.write("Pulumi.yaml", "name: cache\nruntime: nodejs\n");
    place.write("Pulumi.dev.yaml", &stack);
    place.write("regcred.yaml", FILE);
    let before = place.sandbox.snapshot();
    place
        .run(&["plan"])
        .ends(0)
        .says("Plan: 1 to create, 1 to update, 1 unchanged")
        .says("from pulumi:cache/dev");
    place.sync();
    place.sync_again();
    let after = place.sandbox.snapshot();
    let arn = |world: &World| world.aws.secret(ACCOUNT, REGION, NAME).map(|secret| secret.arn.clone());
    let rule = |world: &World| world.aws.rule(ACCOUNT, REGION, "docker-hub").unwrap().credential_arn.clone();
    assert_eq!((arn(&after), rule(&after)), (arn(&before), rule(&before)));
    assert_eq!((after.aws.secrets.len(), after.aws.rules.len()), (1, 1));
}
