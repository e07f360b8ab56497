//! Signature Version 4 of a `POST /`, as the IAM guide describes it ("Create a signed AWS API request").

use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

use crate::message::Request;

/// The `Authorization` header, taken apart.
#[derive(Debug)]
pub(crate) struct Authorization {
    pub(crate) access_key: String,
    pub(crate) region: String,
    date: String,
    pub(crate) service: String,
    signed_headers: String,
    signature: String,
}

impl Authorization {
    pub(crate) fn parse(header: &str) -> Option<Self> {
        let fields = header.strip_prefix("AWS4-HMAC-SHA256")?.trim();
        let field = |name: &str| {
            fields
                .split(',')
                .find_map(|part| part.trim().strip_prefix(name)?.strip_prefix('='))
                .map(str::to_owned)
        };
        let credential = field("Credential")?;
        let scope: Vec<&str> = credential.split('/').collect();
        let [access_key, date, region, service, "aws4_request"] = scope.as_slice() else {
            return None;
        };
        Some(Self {
            access_key: (*access_key).to_owned(),
            region: (*region).to_owned(),
            date: (*date).to_owned(),
            service: (*service).to_owned(),
            signed_headers: field("SignedHeaders")?,
            signature: field("Signature")?,
        })
    }

    pub(crate) fn is_valid(&self, request: &Request, secret: &str) -> bool {
        let expected = hex(&hmac(&self.signing_key(secret), &self.string_to_sign(request)));
        expected == self.signature
    }

    fn signing_key(&self, secret: &str) -> Vec<u8> {
        let start = format!("AWS4{secret}").into_bytes();
        [&self.date, &self.region, &self.service, "aws4_request"]
            .iter()
            .fold(start, |key, part| hmac(&key, part))
    }

    fn string_to_sign(&self, request: &Request) -> String {
        let time = request.header("x-amz-date").unwrap_or_default();
        let scope = format!("{}/{}/{}/aws4_request", self.date, self.region, self.service);
        let digest = hex(&Sha256::digest(self.canonical_request(request)));
        format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{digest}")
    }

    fn canonical_request(&self, request: &Request) -> String {
        let values = request.header_map();
        let headers: String = self
            .signed_headers
            .split(';')
            .map(|name| format!("{name}:{}\n", values.get(name).map_or("", |value| value.trim())))
            .collect();
        let payload = hex(&Sha256::digest(&request.body));
        format!(
            "{}\n{}\n{}\n{headers}\n{}\n{payload}",
            request.method, request.path, request.query, self.signed_headers
        )
    }
}

fn hmac(key: &[u8], data: &str) -> Vec<u8> {
    // HMAC takes a key of any length; the error type has no cause to occur.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(key) else {
        return Vec::new();
    };
    mac.update(data.as_bytes());
    mac.finalize().into_bytes().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use http::{HeaderMap, HeaderValue, Method};

    use super::*;

    /// AWS's own example for IAM ListUsers is a GET; this is its published signing key derivation.
    #[test]
    fn the_signing_key_is_the_one_in_the_aws_guide() {
        let authorization = Authorization {
            access_key: String::new(),
            region: "us-east-1".to_owned(),
            date: "20120215".to_owned(),
            service: "iam".to_owned(),
            signed_headers: String::new(),
            signature: String::new(),
        };
        let key = authorization.signing_key("wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
        assert_eq!(hex(&key), "f4780e2d9f65fa895f9c67b32ce1baf0b0d8a43505a000a1a9e090d414db404d");
    }

    /// "post-vanilla" of AWS's Signature Version 4 test suite.
    #[test]
    fn the_signature_is_the_one_of_the_aws_test_suite() {
        let header = "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, \
                      SignedHeaders=host;x-amz-date, \
                      Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b";
        let mut headers = HeaderMap::new();
        headers.insert("host", HeaderValue::from_static("example.amazonaws.com"));
        headers.insert("x-amz-date", HeaderValue::from_static("20150830T123600Z"));
        let request = Request {
            method: Method::POST,
            path: "/".to_owned(),
            query: String::new(),
            headers,
            body: hyper::body::Bytes::new(),
        };
        let authorization = Authorization::parse(header).expect("a well-formed header");
        assert!(authorization.is_valid(&request, "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"));
        assert!(!authorization.is_valid(&request, "another"));
    }
}
