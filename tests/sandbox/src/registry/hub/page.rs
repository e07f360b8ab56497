//! Lists in pages.

use serde_json::Value;

use super::{Visit, invalid};
use crate::message::Reply;

/// One page of a list, and the addresses of its neighbours.
pub(super) struct Page {
    pub(super) total: usize,
    pub(super) next: Option<String>,
    pub(super) previous: Option<String>,
    pub(super) results: Vec<Value>,
}

impl Visit<'_> {
    /// `page` counts from 1. What a page outside the list answers is not in the description: an empty one here.
    pub(super) fn page(&self, path: &str, all: Vec<Value>, size: usize) -> Result<Page, Reply> {
        let query = self.request.query_map();
        let number = |name: &str, default: usize| match query.get(name).map(|text| text.parse::<usize>()) {
            None => Ok(default),
            Some(Ok(number)) if (1..=100).contains(&number) || (name == "page" && number > 0) => Ok(number),
            Some(_) => Err(invalid(name, "invalid value")),
        };
        let (page, size) = (number("page", 1)?, number("page_size", size)?);
        let total = all.len();
        let at = |page: usize| format!("https://hub.docker.com{path}?page={page}&page_size={size}");
        Ok(Page {
            total,
            next: (page.saturating_mul(size) < total).then(|| at(page + 1)),
            previous: (page > 1).then(|| at(page - 1)),
            results: all.into_iter().skip((page - 1).saturating_mul(size)).take(size).collect(),
        })
    }
}
