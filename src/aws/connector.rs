//! The way out as the AWS SDK takes it, its credential chain included: its HTTP client.

use std::time::Duration;

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use aws_smithy_types::body::SdkBody;
use bytes::Bytes;
use http_body_util::BodyExt;

use crate::model::Problem;
use crate::net::{Http, NetError, Retry};

/// An SDK request that has not been answered by then is sent again.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);

/// The SDK's HTTP client.
#[derive(Clone, Debug)]
pub(super) struct Connector(pub(super) Result<Http, Problem>);

impl HttpClient for Connector {
    fn http_connector(&self, settings: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        // A login service that is not there is given a second, not the time of a request that writes.
        let patience = settings.read_timeout().unwrap_or(ATTEMPT_TIMEOUT);
        SharedHttpConnector::new(Self(self.0.clone().map(|http| http.patience(patience))))
    }
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let http = self.0.clone();
        HttpConnectorFuture::new(async move {
            let http = http.map_err(|problem| unanswered(NetError::refused(problem)))?;
            exchange(&http, request).await
        })
    }
}

async fn exchange(http: &Http, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
    let operation = operation(&request);
    let request = request.try_into_http1x().map_err(|error| ConnectorError::user(error.into()))?;
    let (head, body) = request.into_parts();
    let body: Bytes = body.collect().await.map_err(ConnectorError::user)?.to_bytes();
    let request = http::Request::from_parts(head, body);
    let answer = http.exchange(request, operation.as_deref()).await.map_err(unanswered)?;
    HttpResponse::try_from(answer.map(SdkBody::from_body_1_x))
        .map_err(|error| ConnectorError::other(error.into(), None))
}

/// The SDK sends again what an I/O error ended.
fn unanswered(error: NetError) -> ConnectorError {
    match error.class {
        Retry::Safe => ConnectorError::io(error.into()).never_connected(),
        Retry::ObserveFirst => ConnectorError::io(error.into()),
        Retry::Never => ConnectorError::user(error.into()),
    }
}

/// The operation's name: from the target's header, or the first field of STS's forms.
fn operation(request: &HttpRequest) -> Option<String> {
    if let Some(target) = request.headers().get("x-amz-target") {
        return target.rsplit('.').next().map(str::to_owned);
    }
    let form = std::str::from_utf8(request.body().bytes()?).ok()?;
    let action = form.strip_prefix("Action=")?;
    action.split('&').next().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Write};
    use std::net::TcpListener;
    use std::sync::mpsc::{Receiver, channel};

    use aws_config::imds::Client as Imds;
    use aws_config::imds::credentials::ImdsCredentialsProvider;
    use aws_config::provider_config::ProviderConfig;
    use aws_credential_types::provider::ProvideCredentials;

    use super::*;
    use crate::env::Env;
    use crate::net::Proxy;

    const LOGIN: &str = r#"{"Code":"Success","Type":"AWS-HMAC","AccessKeyId":"AKIAIMDS","SecretAccessKey":"s","Token":"t","Expiration":"2099-01-01T00:00:00Z","LastUpdated":"2026-01-01T00:00:00Z","AccountId":"123456789012"}"#;

    /// A connector whose every request comes to a server of this test, and what it is asked.
    fn connector() -> (Connector, Receiver<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (asked, asks) = channel();
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
                let line = lines.next().unwrap_or_default();
                lines.take_while(|line| !line.is_empty()).for_each(drop);
                let (status, body) = match line.as_str() {
                    line if line.contains("/api/token") => (200, "token"),
                    line if line.contains("-extended") => (404, ""),
                    line if line.contains("security-credentials/ ") => (200, "role"),
                    _ => (200, LOGIN),
                };
                let head = format!(
                    "HTTP/1.1 {status} X\r\nconnection: close\r\nx-aws-ec2-metadata-token-ttl-seconds: 60\r\n"
                );
                let length = body.len();
                // Before the answer, after which the test looks.
                if asked.send(line.clone()).is_err() {
                    break;
                }
                let _ = write!(stream, "{head}content-length: {length}\r\n\r\n{body}");
            }
        });
        let http = Http::new(&Env::default()).unwrap().with_login_services();
        let proxy = Proxy::read("the test", &address).unwrap();
        (Connector(Ok(http.through(proxy).unwrap())), asks)
    }

    #[tokio::test]
    async fn the_sdk_logs_in_at_the_service_of_a_machine() {
        for service in ["169.254.169.254", "[fd00:ec2::254]"] {
            let (connector, asks) = connector();
            let config = ProviderConfig::without_region().with_http_client(connector);
            let imds =
                Imds::builder().configure(&config).endpoint(format!("http://{service}")).unwrap().build();
            let provider = ImdsCredentialsProvider::builder().configure(&config).imds_client(imds).build();
            let login = provider.provide_credentials().await.unwrap();
            assert_eq!(login.access_key_id(), "AKIAIMDS");
            assert!(
                asks.try_iter()
                    .any(|line| line.starts_with(&format!("PUT http://{service}/latest/api/token")))
            );
        }
    }

    #[tokio::test]
    async fn the_services_of_a_container_and_a_pod_are_asked_and_get_nothing_of_ours() {
        for service in ["169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"] {
            let (connector, asks) = connector();
            let url = format!("http://{service}/v1/credentials");
            let answer = connector.call(HttpRequest::get(&url).unwrap()).await.unwrap();
            assert_eq!(answer.status().as_u16(), 200);
            assert_eq!(asks.try_iter().collect::<Vec<_>>(), [format!("GET {url} HTTP/1.1")]);

            let mut signed = HttpRequest::get(&url).unwrap();
            signed.headers_mut().insert("authorization", "AWS4-HMAC-SHA256 Credential=x");
            let mut full = HttpRequest::get(&url).unwrap();
            *full.body_mut() = SdkBody::from("{\"SecretString\":\"s\"}");
            let elsewhere = HttpRequest::get("http://169.254.170.3/v1/credentials").unwrap();
            for request in [signed, full, elsewhere] {
                let error = connector.call(request).await.unwrap_err();
                let refused = NetError::within(&error).expect("it is ours");
                assert!(refused.words.contains("would show the credential"), "{refused}");
            }
            assert_eq!(asks.try_iter().count(), 0);
        }
    }
}
