//! Errors in AWS's two shapes: JSON 1.1 and STS's XML.

use serde_json::json;

use super::json as json_reply;
use crate::calls::Service;
use crate::faults::Kind;
use crate::message::Reply;

/// An error as AWS names it.
#[derive(Clone, Debug)]
pub(crate) struct AwsError {
    status: u16,
    code: String,
    message: String,
    /// The front door's errors come with a name space and a lower-case `message`; clients have to cut it off.
    from_front_door: bool,
}

impl AwsError {
    /// An error of the operation itself: HTTP 400.
    pub(crate) fn new(code: &str, message: impl Into<String>) -> Self {
        Self { status: 400, code: code.to_owned(), message: message.into(), from_front_door: false }
    }

    /// An error from before the service was reached.
    pub(crate) fn front_door(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self { status, from_front_door: true, ..Self::new(code, message) }
    }

    pub(crate) fn serialization(detail: &str) -> Self {
        Self::front_door(400, "SerializationException", detail)
    }

    pub(crate) fn invalid_parameter(message: impl Into<String>) -> Self {
        Self::new("InvalidParameterException", message)
    }

    pub(crate) fn invalid_request(message: impl Into<String>) -> Self {
        Self::new("InvalidRequestException", message)
    }

    /// A message in the words of IAM's guide ("Troubleshoot access denied error messages").
    pub(crate) fn access_denied(arn: &str, action: &str, resource: &str, because: &str) -> Self {
        let message =
            format!("User: {arn} is not authorized to perform: {action} on resource: {resource} {because}");
        Self::front_door(400, "AccessDeniedException", message.trim_end())
    }

    /// What a planned fault looks like here. The names are those of the "common errors" pages and of each model.
    pub(crate) fn for_fault(service: Service, operation: &str, kind: &Kind) -> Self {
        match kind {
            Kind::Throttle { .. } if service == Service::Sts => {
                Self::front_door(400, "Throttling", "Rate exceeded")
            }
            Kind::Throttle { .. } => Self::front_door(400, "ThrottlingException", "Rate exceeded"),
            Kind::Status(403) => {
                Self::front_door(403, "AccessDeniedException", denied_by_fault(service, operation))
            }
            Kind::Status(401) => super::auth::unrecognized(service),
            Kind::Status(404) => Self::absent(service),
            Kind::Status(409) => Self::present(service),
            Kind::Status(429) => Self::front_door(429, "TooManyRequestsException", "Too Many Requests"),
            Kind::Status(503) => Self::front_door(503, "ServiceUnavailable", "Service is unavailable."),
            Kind::Status(status) => Self { status: *status, ..Self::server_fault(service) },
            _ => Self::server_fault(service),
        }
    }

    pub(crate) fn into_message(self) -> String {
        self.message
    }

    /// What 404 is elsewhere: HTTP 400 with a name of the service's model.
    fn absent(service: Service) -> Self {
        match service {
            Service::Ecr => Self::new("PullThroughCacheRuleNotFoundException", "There is no such rule."),
            Service::Kms => Self::new("NotFoundException", "There is no such key."),
            Service::Sts => Self { status: 404, ..Self::server_fault(service) },
            _ => Self::new("ResourceNotFoundException", "Secrets Manager can't find the specified secret."),
        }
    }

    /// What 409 is elsewhere.
    fn present(service: Service) -> Self {
        match service {
            Service::Ecr => Self::new("PullThroughCacheRuleAlreadyExistsException", "There is such a rule."),
            Service::SecretsManager => {
                Self::new("ResourceExistsException", "A resource with that ID exists.")
            }
            _ => Self { status: 409, ..Self::server_fault(service) },
        }
    }

    fn server_fault(service: Service) -> Self {
        let code = match service {
            Service::Ecr => "ServerException",
            Service::SecretsManager => "InternalServiceError",
            Service::Kms => "KMSInternalException",
            _ => "InternalFailure",
        };
        Self { status: 500, ..Self::new(code, "An error occurred on the server side.") }
    }

    pub(crate) fn render(&self, service: Service) -> Reply {
        match service {
            Service::Sts => self.render_xml(),
            _ => self.render_json(service),
        }
    }

    /// Secrets Manager's model spells the member `Message`, ECR's and the front door `message`.
    fn render_json(&self, service: Service) -> Reply {
        let space = if self.from_front_door { "com.amazon.coral.service#" } else { "" };
        let member =
            if service == Service::SecretsManager && !self.from_front_door { "Message" } else { "message" };
        let body = json!({ "__type": format!("{space}{}", self.code), member: self.message });
        json_reply(self.status, &body).with("x-amzn-errortype", self.code.clone())
    }

    fn render_xml(&self) -> Reply {
        // The Query protocol's names have no `Exception` at the end: `AccessDenied`, `Throttling`.
        let code = match self.code.as_str() {
            super::sts::REGION_DISABLED => super::sts::REGION_DISABLED,
            code => code.trim_end_matches("Exception"),
        };
        let kind = if self.status < 500 { "Sender" } else { "Receiver" };
        let body = format!(
            "<ErrorResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\n  <Error>\n    <Type>{kind}</Type>\n    \
             <Code>{code}</Code>\n    <Message>{}</Message>\n  </Error>\n</ErrorResponse>\n",
            escape(&self.message)
        );
        Reply::text(if self.status == 400 { 403 } else { self.status }, "text/xml", body)
    }
}

fn denied_by_fault(service: Service, operation: &str) -> String {
    format!("User: arn:aws:iam::000000000000:user/fault is not authorized to perform: {service}:{operation}")
}

/// Text for an XML element.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
