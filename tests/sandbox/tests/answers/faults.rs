//! Faults, latency and the log of calls.

use std::io::{ErrorKind, Read as _};
use std::time::Duration;

use regcred_sandbox::{Door, Fault, Kind, Sandbox, Service, longest_chain, writes};
use serde_json::json;

use crate::client::{Aws, GitHub, NAME, connect, send, start, write_request};

const REGISTRY: &str = "/v2/";

fn ping(sandbox: &Sandbox) -> std::io::Result<u16> {
    send(&sandbox.url(Door::Registry), "GET", REGISTRY, &[], b"").map(|answer| answer.status)
}

#[test]
fn a_fault_strikes_the_nth_request_once() {
    let sandbox = start();
    sandbox.fault(Fault::nth(1, Kind::Status(503)));
    let statuses: Vec<u16> = (0..3).map(|_| ping(&sandbox).unwrap()).collect();
    assert_eq!(statuses, [401, 503, 401]);
    assert!(sandbox.calls()[1].fault.is_some());
}

#[test]
fn a_fault_strikes_an_operation_as_often_as_it_is_told_after_as_many_as_it_is_told() {
    let sandbox = start();
    let aws = Aws::new(&sandbox);
    let fault = Fault::on(Service::SecretsManager, "ListSecrets", Kind::Throttle { retry_after: None });
    sandbox.fault(fault.after(1).times(2));
    aws.ecr("DescribePullThroughCacheRules", &json!({})).unwrap();
    let codes: Vec<String> = (0..4)
        .map(|_| aws.secrets("ListSecrets", &json!({})).map_or_else(|error| error.code, |_| "ok".to_owned()))
        .collect();
    assert_eq!(codes, ["ok", "ThrottlingException", "ThrottlingException", "ok"]);
}

#[test]
fn a_permanent_fault_lasts_until_it_is_taken_back() {
    let sandbox = start();
    sandbox.fault(Fault::on_any(Kind::Status(500)).forever());
    assert_eq!([ping(&sandbox).unwrap(), ping(&sandbox).unwrap()], [500, 500]);
    sandbox.clear_faults();
    assert_eq!(ping(&sandbox).unwrap(), 401);
}

#[test]
fn statuses_come_in_each_services_shape() {
    let sandbox = start();
    let aws = Aws::new(&sandbox);
    let expected = [
        (500, "InternalServiceError"),
        (503, "ServiceUnavailable"),
        (429, "TooManyRequestsException"),
        (403, "AccessDeniedException"),
    ];
    for (status, code) in expected {
        sandbox.fault(Fault::on_service(Service::SecretsManager, Kind::Status(status)));
        let error = aws.secrets("ListSecrets", &json!({})).unwrap_err();
        assert_eq!((error.status, error.code.as_str()), (status, code));
    }
    // What REST says by a status, AWS says by a name.
    for (status, code) in [
        (401, "UnrecognizedClientException"),
        (404, "ResourceNotFoundException"),
        (409, "ResourceExistsException"),
    ] {
        sandbox.fault(Fault::on_service(Service::SecretsManager, Kind::Status(status)));
        let error = aws.secrets("ListSecrets", &json!({})).unwrap_err();
        assert_eq!((error.status, error.code.as_str()), (400, code));
    }
    sandbox.fault(Fault::on_service(Service::Ecr, Kind::Status(500)));
    assert_eq!(aws.ecr("DescribePullThroughCacheRules", &json!({})).unwrap_err().code, "ServerException");
    sandbox.fault(Fault::on_service(Service::Sts, Kind::Status(503)));
    assert_eq!(aws.sts("Action=GetCallerIdentity").status, 503);
}

#[test]
fn githubs_secondary_limit_comes_with_and_without_retry_after() {
    let sandbox = start();
    let github = GitHub::new(&sandbox);
    for retry_after in [Some(7), None] {
        sandbox.fault(Fault::on_service(Service::GitHub, Kind::Throttle { retry_after }));
        let answer = github.get("/user");
        assert_eq!(answer.status, 403);
        assert!(answer.message().contains("secondary rate limit"));
        assert_eq!(answer.header("retry-after"), retry_after.map(|_| "7"));
    }
}

#[test]
fn a_reset_before_has_no_effect_and_a_reset_after_has() {
    let sandbox = start();
    let url = sandbox.url(Door::Aws);
    for (kind, made) in [(Kind::ResetBefore, 0), (Kind::ResetAfter, 1)] {
        sandbox.fault(Fault::on_any(kind));
        let error = create(&url).unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof), "{error:?}");
        assert_eq!(sandbox.state().aws.secrets.len(), made);
        assert_eq!(sandbox.calls().last().unwrap().status, None);
    }
}

const SIGNED: &str = "AWS4-HMAC-SHA256 Credential=AKIASANDBOXREGCRED00/20261121/us-east-2/secretsmanager/aws4_request, \
                      SignedHeaders=host, Signature=none";

fn create(url: &str) -> std::io::Result<u16> {
    let headers = [("x-amz-target", "secretsmanager.CreateSecret"), ("authorization", SIGNED)];
    send(url, "POST", "/", &headers, json!({ "Name": NAME }).to_string().as_bytes())
        .map(|answer| answer.status)
}

#[test]
fn a_truncated_answer_is_shorter_than_it_promised_and_the_effect_is_there() {
    let sandbox = start();
    sandbox.fault(Fault::on_any(Kind::TruncatedBody));
    assert!(create(&sandbox.url(Door::Aws)).is_err());
    assert_eq!(sandbox.state().aws.secrets.len(), 1);
}

#[test]
fn a_garbage_answer_has_its_status_and_no_json_and_the_effect_is_there() {
    let sandbox = start();
    sandbox.fault(Fault::on_any(Kind::GarbageBody));
    assert_eq!(create(&sandbox.url(Door::Aws)).unwrap(), 200);
    assert_eq!(sandbox.state().aws.secrets.len(), 1);
}

#[test]
fn a_slow_answer_begins_and_never_ends_and_the_effect_is_there() {
    let sandbox = start();
    sandbox.fault(Fault::on_any(Kind::SlowBody));
    let url = sandbox.url(Door::Aws);
    let mut stream = connect(&url).unwrap();
    let headers = [("x-amz-target", "secretsmanager.CreateSecret"), ("authorization", SIGNED)];
    let body = json!({ "Name": NAME }).to_string();
    write_request(&mut stream, &url, "POST", "/", &headers, body.as_bytes()).unwrap();
    let mut head = [0; 15];
    stream.read_exact(&mut head).unwrap();
    assert_eq!(&head, b"HTTP/1.1 200 OK");
    // Less than lies between two of its bytes.
    stream.set_read_timeout(Some(Duration::from_millis(100))).unwrap();
    let error = stream.read_to_end(&mut Vec::new()).unwrap_err();
    assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error:?}");
    assert_eq!(sandbox.state().aws.secrets.len(), 1);
}

#[test]
fn a_stale_read_shows_what_was_there_when_it_was_planned_and_a_write_has_its_effect() {
    let sandbox = start();
    let aws = Aws::new(&sandbox);
    let listed = || aws.secrets("ListSecrets", &json!({})).unwrap()["SecretList"].as_array().unwrap().len();
    sandbox.fault(Fault::on_any(Kind::StaleRead).times(2));
    aws.make_secret();
    assert_eq!([listed(), listed()], [0, 1]);
    assert_eq!(sandbox.violations(), [""; 0]);
}

#[test]
fn a_time_to_come_again_is_told_in_the_form_of_each_service() {
    let sandbox = start();
    let told = |door, path: &str, name: &str| {
        sandbox.fault(Fault::on_any(Kind::ThrottleUntil));
        let answer = send(&sandbox.url(door), "GET", path, &[], b"").unwrap();
        assert!(matches!(answer.status, 403 | 429), "{}", answer.status);
        answer.headers.get(name).cloned().unwrap()
    };
    let now = sandbox.state().clock.now().timestamp();
    let is_soon = |text: String| (now..now + 60).contains(&text.parse().unwrap());
    assert!(is_soon(told(Door::GitHub, "/user", "x-ratelimit-reset")));
    assert!(is_soon(told(Door::Registry, "/v2/access-tokens", "x-retry-after")));
    assert!(told(Door::Registry, REGISTRY, "retry-after").ends_with(" GMT"));
    assert!(told(Door::Daytona, "/api/docker-registry", "retry-after").ends_with(" GMT"));
}

#[test]
fn a_redirect_leads_elsewhere_or_to_where_the_request_went() {
    let sandbox = start();
    for (elsewhere, location) in [(true, "https://elsewhere.example/v2/?n=1"), (false, "/v2/?n=1")] {
        sandbox.fault(Fault::on_any(Kind::Redirect { elsewhere }));
        let answer = send(&sandbox.url(Door::Registry), "GET", "/v2/?n=1", &[], b"").unwrap();
        assert_eq!((answer.status, answer.headers["location"].as_str()), (307, location));
    }
}

#[test]
fn a_listener_refuses_connections_after_a_request_until_it_is_opened_again() {
    let sandbox = start();
    sandbox.refuse_after(2, Door::Registry).unwrap();
    assert_eq!([ping(&sandbox).unwrap(), ping(&sandbox).unwrap()], [401, 401]);
    assert_eq!(ping(&sandbox).unwrap_err().kind(), ErrorKind::ConnectionRefused);
    assert_eq!(GitHub::new(&sandbox).get("/").status, 404);
    sandbox.set_reachable(Door::Registry, true).unwrap();
    assert_eq!(ping(&sandbox).unwrap(), 401);
    sandbox.refuse_after(0, Door::Registry).unwrap();
    assert_eq!(ping(&sandbox).unwrap_err().kind(), ErrorKind::ConnectionRefused);
}

#[test]
fn a_timeout_holds_the_request_until_the_client_gives_up() {
    let sandbox = start();
    for (kind, made) in [(Kind::TimeoutBefore, 0), (Kind::TimeoutAfter, 1)] {
        sandbox.clear_calls();
        sandbox.fault(Fault::on_any(kind));
        let url = sandbox.url(Door::Aws);
        let mut stream = connect(&url).unwrap();
        let headers = [("x-amz-target", "secretsmanager.CreateSecret"), ("authorization", SIGNED)];
        write_request(
            &mut stream,
            &url,
            "POST",
            "/",
            &headers,
            json!({ "Name": NAME }).to_string().as_bytes(),
        )
        .unwrap();
        assert!(sandbox.wait_for_arrivals(1, Duration::from_secs(20)));
        // A second request is answered meanwhile; when it is, the first has been dealt with as far as it will be.
        ping(&sandbox).unwrap();
        drop(stream);
        assert_eq!(sandbox.calls()[0].ended, None);
        assert_eq!(sandbox.state().aws.secrets.len(), made);
    }
}

#[test]
fn the_log_has_every_call_in_order_with_its_bodies_and_what_it_was() {
    let sandbox = start();
    let aws = Aws::new(&sandbox);
    aws.make_secret();
    GitHub::new(&sandbox).get("/repos/acme/api/actions/secrets?per_page=100");
    let calls = sandbox.calls();
    assert_eq!(calls.iter().map(|call| call.index).collect::<Vec<_>>(), [0, 1]);
    assert_eq!((calls[0].service, calls[0].operation.as_str()), (Service::SecretsManager, "CreateSecret"));
    assert_eq!(calls[0].request_json()["Name"], NAME);
    assert!(calls[0].response_json()["ARN"].is_string());
    assert_eq!(calls[1].operation, "GET /repos/{owner}/{repo}/actions/secrets");
    assert_eq!(calls[1].path, "/repos/acme/api/actions/secrets?per_page=100");
    assert_eq!(calls[1].request_headers["user-agent"], "test");
    assert_eq!(writes(&calls).len(), 1);
    sandbox.clear_calls();
    assert!(sandbox.calls().is_empty());
}

#[test]
fn the_longest_chain_counts_what_waited_for_what() {
    let sandbox = start();
    let mut calls = vec![];
    for _ in 0..4 {
        ping(&sandbox).unwrap();
    }
    calls.extend(sandbox.calls());
    let millis = Duration::from_millis;
    for (call, (started, ended)) in calls.iter_mut().zip([(0, 10), (0, 30), (10, 20), (20, 40)]) {
        (call.started, call.ended) = (millis(started), Some(millis(ended)));
    }
    assert_eq!(longest_chain(&calls), 3);
    assert_eq!(longest_chain(&[]), 0);
}

#[test]
fn latency_is_added_to_each_request() {
    let sandbox = start();
    sandbox.set_latency(Duration::from_millis(30));
    ping(&sandbox).unwrap();
    let call = &sandbox.calls()[0];
    assert!(call.ended.unwrap() - call.started >= Duration::from_millis(30));
}

#[test]
fn the_catalogue_has_every_kind_of_fault_and_each_is_survived() {
    let sandbox = start();
    for kind in Kind::catalogue() {
        if matches!(kind, Kind::TimeoutBefore | Kind::TimeoutAfter | Kind::SlowBody) {
            continue;
        }
        sandbox.fault(Fault::on_any(kind));
        ping(&sandbox).ok();
    }
    assert_eq!(ping(&sandbox).unwrap(), 401);
}
