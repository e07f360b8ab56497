//! Where RunPod is.

use url::Url;

use crate::env::Env;
use crate::model::Problem;
use crate::targets::endpoint::{self, problem};

const URL: &str = "RUNPOD_API_URL";
const DEFAULT: &str = "https://api.runpod.io";

/// The control plane, without the version. Other programs are given the APIs at the same host: `…/v2`, `…/graphql`.
pub(super) fn control_plane(env: &Env) -> String {
    let url = env.filled(URL).unwrap_or(DEFAULT).trim_end_matches('/');
    let url = url.strip_suffix("/graphql").or_else(|| url.strip_suffix("/v2")).unwrap_or(url);
    url.to_owned()
}

/// What is wrong with the address.
pub(super) fn fault(url: &str, insecure: bool) -> Option<Problem> {
    let host = Url::parse(url).ok().and_then(|url| url.host_str().map(str::to_owned));
    let wrong = match host.as_deref() {
        Some("rest.runpod.io") => "is REST v1, which has retired",
        Some("api.runpod.ai") => "runs jobs, and has no templates or registry auths",
        _ => return endpoint::fault(URL, url, insecure),
    };
    let message = format!("{} {wrong}", host.unwrap_or_default());
    Some(problem(URL, &message).hint(format!("export {URL}={DEFAULT}, or unset it")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_runpods_control_plane_is_taken_for_it() {
        let said = |url: &str, insecure: bool| {
            let address = control_plane(&Env::from_iter([(URL, url)]));
            let fault = fault(&address, insecure).map(|problem| problem.message);
            (address, fault)
        };
        for url in ["https://api.runpod.io/v2/", "https://api.runpod.io/graphql", "https://api.runpod.io"] {
            assert_eq!(said(url, false), (DEFAULT.to_owned(), None), "{url}");
        }
        assert!(said("https://rest.runpod.io/v1", false).1.unwrap().contains("has retired"));
        assert!(said("https://api.runpod.ai/v2", false).1.unwrap().contains("runs jobs"));
        assert!(said("http://runpod.example.com", false).1.unwrap().contains("plain http"));
        assert_eq!(said("http://runpod.example.com", true).1, None);
    }
}
