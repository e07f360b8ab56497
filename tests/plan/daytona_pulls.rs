//! With which row Daytona pulls an image, held to what the source of Daytona's server answers to the same cases
//! (`tests/interop/daytona_pulls.cjs` runs it).

use regcred::change::{Pull, Used};
use regcred::model::Reference;
use regcred::targets::daytona::{Desired, Observed, Row, Version, pull};
use serde_json::Value;

use crate::case::at;
use crate::daytona::wanted;

const SOURCE: &str = include_str!("../fixtures/daytona.json");

fn texts(list: &Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// The rows of a table that the list shows, by their place in it.
fn listed(urls: &[String]) -> Vec<Row> {
    let row = |(place, url): (usize, &String)| Row {
        id: place.to_string(),
        name: place.to_string(),
        url: url.clone(),
        username: "someone".to_owned(),
        updated: at(i64::try_from(place).unwrap()),
    };
    urls.iter().enumerate().filter(|(_, url)| !url.starts_with("operator ")).map(row).collect()
}

fn desired() -> Vec<Desired> {
    let ghcr = Desired { registry: "ghcr.io".parse().unwrap(), name: "ghcr".to_owned(), ..wanted() };
    vec![wanted(), ghcr]
}

/// How the product says that images are pulled.
fn said(images: &[String], rows: Vec<Row>, version: &str) -> Vec<Pull> {
    let observed = Observed { rows: Ok(rows), version: Version::parse(version), ..Observed::default() };
    pull::pulls(images, &desired(), &observed)
}

#[test]
fn every_image_is_said_to_be_pulled_with_the_row_that_the_servers_source_takes() {
    let source: Value = serde_json::from_str(SOURCE).unwrap();
    let images = texts(&source["images"]);
    let (mut compared, mut refused) = (0, 0);
    for (version, answers) in source["answers"].as_object().unwrap() {
        for (place, urls) in source["tables"].as_array().unwrap().iter().enumerate() {
            let urls = texts(urls);
            for (image, pull) in said(&images, listed(&urls), version).iter().enumerate() {
                let context = format!("{version}: {} of {urls:?}", pull.image);
                // What a runner is asked for that is no name of an image is not pulled.
                let asked = answers["asked"][image].as_str();
                let is_refused = asked.is_none_or(|name| Reference::parse(name).is_err());
                assert_eq!(pull.login == Used::Refused, is_refused, "{context}");
                refused += usize::from(is_refused);
                let row = answers["pulled"][place][image].as_u64().map(|row| usize::try_from(row).unwrap());
                // An operator's row is in no list.
                let row = row.filter(|row| !urls[*row].starts_with("operator ") && !is_refused);
                let told = pull.login.login().map(|login| login.name.clone());
                assert_eq!(told, row.map(|row| row.to_string()), "{context}");
                compared += 1;
            }
        }
    }
    assert!(compared > 3000 && refused > 500, "only {compared} combinations, {refused} refused");
}

#[test]
fn what_is_looked_up_with_our_login_and_pulled_without_it_is_told_by_version_with_the_full_name() {
    let ours = |url: &str, name: &str| Row {
        url: url.to_owned(),
        name: name.to_owned(),
        ..listed(&[String::new()])[0].clone()
    };
    let rows = vec![ours("docker.io", "docker-hub-abababab"), ours("ghcr.io", "ghcr-abababab")];
    let source: Value = serde_json::from_str(SOURCE).unwrap();
    let images = texts(&source["images"]);
    let table =
        source["tables"].as_array().unwrap().iter().position(|urls| texts(urls) == ["docker.io", "ghcr.io"]);
    let mut told = 0;
    for (version, answers) in source["answers"].as_object().unwrap() {
        for (image, pull) in said(&images, rows.clone(), version).iter().enumerate() {
            let of = |which: &str| &answers[which][table.unwrap()][image];
            let short = pull.login == Used::None && !pull.image.contains('/');
            if short {
                let failure = pull.result.as_ref().unwrap_err().to_string();
                let with = failure.contains("looks it up with our login");
                assert_eq!(with, !of("looked_up").is_null(), "{version}: {}: {failure}", pull.image);
                assert!(failure.contains("pulls it anonymously or with an operator's login"), "{failure}");
                told += 1;
            }
            if let Some(instead) = &pull.instead {
                let again = &said(std::slice::from_ref(instead), rows.clone(), version)[0];
                assert!(again.result.is_ok() && matches!(again.login, Used::Ours(_)), "{instead}");
                assert_eq!(*instead, Reference::parse(instead).unwrap().to_string(), "the full form");
            }
        }
    }
    assert!(told > 10, "only {told}");
}
