//! `regcred image`: for names and for the files of a repository, without a network.

use std::io::Write;
use std::process::Stdio;

use regcred_sandbox::World;

use crate::place::Place;

const TWO_STACKS: &str = "\
version: 1
credentials:
  docker-hub:
    to:
      aws:
        stacks:
          main: { region: us-east-2, account: '111111111111' }
          china: { region: cn-north-1 }
";

fn place() -> Place {
    let place = Place::bare(World::default());
    place.write("regcred.yaml", TWO_STACKS);
    place
}

#[test]
fn a_name_is_told_with_its_credential_and_its_name_in_each_cache() {
    let (ran, calls) = place().watch(&["image", "alpine:3", "Alpine", "registry-1.docker.io/acme/api"]);
    let expected = "\
alpine:3
  means   docker.io/library/alpine:3
  pulled  with docker-hub
  cached  111111111111.dkr.ecr.us-east-2.amazonaws.com/main-docker-hub/library/alpine:3  (stack main)
  not cached  stack china: cn-north-1 is in the AWS China partition, where ECR has no pull-through caches
Alpine
  invalid: invalid reference format: repository name (library/Alpine) must be lowercase
  hint: write `alpine`
registry-1.docker.io/acme/api
  means   registry-1.docker.io/acme/api
  pulled  anonymously: `registry-1.docker.io` is not Docker Hub in an image name
  hint: write acme/api
";
    assert_eq!((ran.code, ran.stdout.as_str()), (3, expected), "{}", ran.stderr);
    assert_eq!(calls.len(), 0);
}

#[test]
fn of_a_digest_it_is_said_when_a_cache_has_it() {
    let digest = format!("sha256:{}", "0".repeat(64));
    let ran = place().run(&["image", &format!("alpine@{digest}")]);
    ran.ends(0).says(&format!("/library/alpine@{digest}"));
    ran.says("a cache has a digest only after an image of it was pulled by its tag");
}

#[test]
fn names_come_from_standard_input_where_the_dash_stands_and_keep_their_order() {
    let place = place();
    let mut command = place.command(&["image", "--json", "first", "-", "last"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"postgres:17.2\n\n  Bad \nghcr.io/acme/x").unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    let lines = String::from_utf8(output.stdout).unwrap();
    let inputs: Vec<_> = lines
        .lines()
        .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["input"].to_string())
        .collect();
    assert_eq!(inputs, [r#""first""#, r#""postgres:17.2""#, r#""Bad""#, r#""ghcr.io/acme/x""#, r#""last""#]);
}

#[test]
fn nothing_has_to_be_configured() {
    let mut place = Place::bare(World::default());
    for name in ["DOCKER_HUB_USERNAME", "DOCKER_HUB_TOKEN", "GITHUB_REPOSITORY"] {
        place.unset(name);
    }
    let ran = place.run(&["image", "alpine"]);
    let expected =
        "alpine\n  means   docker.io/library/alpine\n  pulled  anonymously: no credential for docker.io\n";
    assert_eq!((ran.code, ran.stdout.as_str()), (0, expected), "{}", ran.stderr);
}

#[test]
fn a_scan_says_where_each_image_is_and_how_it_is_pulled() {
    let place = place();
    place.write(
        "Dockerfile",
        "FROM alpine:3\nFROM registry-1.docker.io/library/redis\nFROM Ubuntu\nFROM $BASE\n",
    );
    place.write("ci.yml", "on: push\njobs:\n  a:\n    container: node:20\n");
    let (ran, calls) = place.watch(&["image", "--scan", "."]);
    let expected = "\
Dockerfile:1:6: alpine:3 with docker-hub
  cached as 111111111111.dkr.ecr.us-east-2.amazonaws.com/main-docker-hub/library/alpine:3
Dockerfile:2:6: registry-1.docker.io/library/redis anonymously: `registry-1.docker.io` is not Docker Hub in an image name
  hint: write redis
Dockerfile:3:6: Ubuntu is invalid: invalid reference format: repository name (library/Ubuntu) must be lowercase
  hint: write `ubuntu`
ci.yml:4:16: node:20 anonymously: the job gives no `credentials:` for it
  hint: write `credentials:` with `username:` and `password:`, from secrets, next to `image:`
  cached as 111111111111.dkr.ecr.us-east-2.amazonaws.com/main-docker-hub/library/node:20
";
    assert_eq!((ran.code, ran.stdout.as_str()), (3, expected), "{}", ran.stderr);
    ran.complains("Dockerfile:4 was not read: `${BASE}` depends on a value that is not in the file");
    ran.complains("Files: 3, images: 4, pulled anonymously: 2, invalid: 1, not read: 1.");
    assert_eq!(calls.len(), 0);
}

#[test]
fn a_path_that_is_not_there_is_invalid() {
    place().run(&["image", "--scan", "nowhere"]).ends(3).complains("no such file or folder: nowhere");
}
