//! GitHub: variables, which can be read back.

use regcred_sandbox::github::{Environment, Variable};
use serde_json::{Value, json};

use crate::client::{GitHub, start, start_with};

const LIST: &str = "/repos/acme/api/actions/variables";

#[test]
fn a_variable_is_posted_patched_read_and_deleted() {
    let sandbox = start();
    let github = GitHub::new(&sandbox);
    assert_eq!(github.get(&format!("{LIST}/SYNC")).status, 404);
    assert_eq!(github.request("PATCH", &format!("{LIST}/SYNC"), &json!({ "value": "x" })).status, 404);
    assert_eq!(github.request("POST", LIST, &json!({ "name": "sync", "value": "v1" })).status, 201);
    assert_eq!(github.request("PATCH", &format!("{LIST}/SYNC"), &json!({ "value": "v2" })).status, 204);
    assert_eq!(github.get(&format!("{LIST}/SYNC")).json()["value"], "v2");
    assert_eq!(github.request("DELETE", &format!("{LIST}/SYNC"), &Value::Null).status, 204);
    assert_eq!(github.get(LIST).json()["total_count"], 0);
}

#[test]
fn a_variable_that_is_there_cannot_be_posted() {
    let sandbox = start();
    let github = GitHub::new(&sandbox);
    let body = json!({ "name": "SYNC", "value": "v1" });
    github.request("POST", LIST, &body);
    assert_eq!(github.request("POST", LIST, &body).status, 409);
}

#[test]
fn lists_come_in_pages_of_ten_and_at_most_thirty() {
    let sandbox = start_with(|world| {
        let variables = &mut world.github.repositories.get_mut("acme/api").unwrap().variables;
        variables.extend((0..45).map(|number| (format!("V{number:02}"), Variable::default())));
    });
    let github = GitHub::new(&sandbox);
    let rows =
        |query: &str| github.get(&format!("{LIST}{query}")).json()["variables"].as_array().unwrap().len();
    assert_eq!((rows(""), rows("?per_page=100"), rows("?per_page=100&page=2")), (10, 30, 15));
}

#[test]
fn environments_and_organizations_have_variables_of_their_own() {
    let sandbox = start_with(|world| {
        let repository = world.github.repositories.get_mut("acme/api").unwrap();
        repository.environments.insert("prod".to_owned(), Environment::default());
    });
    let github = GitHub::new(&sandbox);
    let body = json!({ "name": "SYNC", "value": "v1" });
    assert_eq!(github.request("POST", "/repos/acme/api/environments/prod/variables", &body).status, 201);
    assert_eq!(github.request("POST", "/orgs/acme/actions/variables", &body).status, 422);
    let visible = json!({ "name": "SYNC", "value": "v1", "visibility": "private" });
    assert_eq!(github.request("POST", "/orgs/acme/actions/variables", &visible).status, 201);
    assert_eq!(github.get("/orgs/acme/actions/variables/SYNC").json()["visibility"], "private");
    assert_eq!(github.get(&format!("{LIST}/SYNC")).status, 404);
}
