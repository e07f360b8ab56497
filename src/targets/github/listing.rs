//! The repositories of an owner, or those of a team, as GitHub lists them, and the environments of a repository. Nothing
//! here can write.

use http::header::LINK;
use http::{HeaderMap, Method, StatusCode};
use serde_json::Value;

use super::client::text;
use super::pattern::Only;
use super::{Client, GithubError, Place, read, split_repository};
use crate::change::Read;
use crate::model::Problem;
use crate::net::{MAX_PAGES, segment};
use crate::redact;

/// GitHub's largest page of repositories, and of environments.
const PAGE: usize = 100;

/// A repository, as a list tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) name: String,
    pub(super) topics: Vec<String>,
    pub(super) visibility: String,
    pub(super) archived: bool,
    pub(super) fork: bool,
    pub(super) of_organization: bool,
}

impl Row {
    /// Reads a row; one of another owner is none.
    fn read(row: &Value, owner: &str) -> Option<Self> {
        let (of, name) = split_repository(row["full_name"].as_str()?)?;
        let is = |member: &str| row[member].as_bool().unwrap_or(false);
        // GitHub Enterprise Server 3.2 and older tell no visibility.
        let by_privacy = if is("private") { "private" } else { "public" };
        let topics = row["topics"].as_array().into_iter().flatten();
        of.eq_ignore_ascii_case(owner).then(|| Self {
            name: name.to_owned(),
            topics: topics.filter_map(|topic| topic.as_str().map(str::to_owned)).collect(),
            visibility: row["visibility"].as_str().unwrap_or(by_privacy).to_owned(),
            archived: is("archived"),
            fork: is("fork"),
            of_organization: row["owner"]["type"] == "Organization",
        })
    }

    /// Whether it is what was asked for. Which team has access to it, the list says.
    pub(super) fn is(&self, only: &Only) -> bool {
        only.topic.as_ref().is_none_or(|topic| self.topics.contains(topic))
            && only.visibility.as_ref().is_none_or(|visibility| self.visibility == *visibility)
    }
}

/// Whether the answer to this path is a bare list: those of an owner's and a team's repositories are (GitHub's OpenAPI
/// description, `repos/list-for-org`, `repos/list-for-user`, `repos/list-for-authenticated-user`, `teams/list-repos-in-org`).
pub(super) fn is_bare(path: &str) -> bool {
    path.contains("/repos?")
}

/// The repositories of an owner, or of a team of it.
pub(super) async fn repositories(
    client: &Client,
    owner: &str,
    team: Option<&str>,
    is_app: bool,
) -> Read<Vec<Row>> {
    let rows = match team {
        Some(team) => of_team(client, owner, team).await?,
        // What an App sees of its owner.
        None if is_app => read::pages(client, "/installation/repositories?", "repositories", PAGE).await?.0,
        None => of_owner(client, owner).await?,
    };
    Ok(rows.iter().filter_map(|row| Row::read(row, owner)).collect())
}

async fn of_team(client: &Client, owner: &str, team: &str) -> Read<Vec<Value>> {
    let path = format!("/orgs/{}/teams/{}/repos?", segment(owner), segment(team));
    bare(client, &path).await.map_err(|error| {
        let lacks = matches!(error.status(), Some(StatusCode::FORBIDDEN | StatusCode::NOT_FOUND));
        let problem = Problem::from(error);
        let hint =
            format!("look at the team's name in its address; its list needs `members: read` of {owner}");
        if lacks { Problem { hints: vec![hint], ..problem } } else { problem }
    })
}

/// An organization's, one's own, or a user's: of a user's only those that everybody sees.
async fn of_owner(client: &Client, owner: &str) -> Read<Vec<Value>> {
    let absent = |error: &GithubError| error.status() == Some(StatusCode::NOT_FOUND);
    let refused = match bare(client, &format!("/orgs/{}/repos?type=all&", segment(owner))).await {
        Err(error) if absent(&error) => error,
        rows => return Ok(rows?),
    };
    let own =
        client.get("/user").await.ok().and_then(|answer| Some(answer.body["login"].as_str()?.to_owned()));
    if own.is_some_and(|login| login.eq_ignore_ascii_case(owner)) {
        return Ok(bare(client, "/user/repos?affiliation=owner&").await?);
    }
    match client.get(&format!("/users/{}", segment(owner))).await {
        Ok(answer) if answer.body["type"] == "Organization" => Err(refused.into()),
        Ok(_) => Ok(bare(client, &format!("/users/{}/repos?type=owner&", segment(owner))).await?),
        Err(error) if absent(&error) => {
            let message = format!("GitHub shows neither an organization nor a user {owner}");
            let hint = "write the owner as in its address, or let the token see it";
            Err(Problem::outside(message).hint(hint))
        }
        Err(error) => Err(error.into()),
    }
}

/// A whole list that is bare, page by page.
async fn bare(client: &Client, path: &str) -> Result<Vec<Value>, GithubError> {
    let unusable = |cause: String| GithubError::unusable(&Method::GET, path, Problem::outside(cause));
    let mut all = Vec::new();
    for page in 1..=MAX_PAGES {
        let answer = client.get(&format!("{path}per_page={PAGE}&page={page}")).await?;
        let Value::Array(rows) = answer.body else {
            return Err(unusable("the answer is not a list".to_owned()));
        };
        all.extend(rows);
        if !goes_on(&answer.headers) {
            return Ok(all);
        }
    }
    Err(unusable(format!("the list of repositories has no end: {MAX_PAGES} pages were read")))
}

/// Whether there is another page: a bare list says it in its `Link` (GitHub's documentation, "Using pagination in the REST
/// API").
fn goes_on(headers: &HeaderMap) -> bool {
    text(headers, LINK.as_str()).is_some_and(|links| links.contains("rel=\"next\""))
}

/// The names of a repository's environments.
pub(super) async fn environments(client: &Client, place: &Place) -> Read<Vec<String>> {
    let path = format!("{}/environments?", place.root());
    let (rows, _) = read::pages(client, &path, "environments", PAGE).await.map_err(|error| {
        let lacks = matches!(error.status(), Some(StatusCode::FORBIDDEN | StatusCode::NOT_FOUND));
        let problem = Problem::from(error);
        let hint = format!("to list its environments, give the token `actions: read` of {}", place.name());
        if lacks { Problem { hints: vec![hint], ..problem } } else { problem }
    })?;
    let names = rows.iter().filter_map(|row| row["name"].as_str());
    // Nobody could see in an address what such a name is.
    Ok(names.filter(|name| !name.contains(redact::is_hidden)).map(str::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_repository_is_what_its_row_says_and_one_of_another_owner_is_left_out() {
        let row = json!({
            "full_name": "Acme/api", "private": true, "archived": false, "fork": true, "topics": ["docker"],
            "visibility": "internal", "owner": { "type": "Organization" },
        });
        let read = Row::read(&row, "acme").expect("a row of acme");
        assert_eq!(
            (read.name.as_str(), read.fork, read.archived, read.of_organization),
            ("api", true, false, true)
        );
        assert_eq!(Row::read(&row, "other"), None);
        let only = |topic: &str, visibility: &str| Only {
            topic: Some(topic.to_owned()),
            visibility: Some(visibility.to_owned()),
            team: None,
        };
        assert!(read.is(&only("docker", "internal")) && read.is(&Only::default()));
        assert!(!read.is(&only("docker", "private")) && !read.is(&only("web", "internal")));
        let old =
            Row::read(&json!({ "full_name": "acme/old", "private": true }), "acme").expect("a row of acme");
        assert_eq!(old.visibility, "private");
    }

    #[test]
    fn a_bare_list_goes_on_while_its_link_names_a_next_page() {
        let headers = |link: &'static str| HeaderMap::from_iter([(LINK, link.parse().expect("a header"))]);
        assert!(goes_on(&headers(
            "<https://api.github.com/x?page=2>; rel=\"next\", <https://api.github.com/x?page=9>; rel=\"last\""
        )));
        assert!(!goes_on(&headers("<https://api.github.com/x?page=1>; rel=\"prev\"")));
        assert!(!goes_on(&HeaderMap::new()));
    }
}
