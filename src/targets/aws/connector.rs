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
