//! Paginated lists. <https://workos.com/docs/reference/pagination>

use serde_json::{Value, json};

use super::{fields::Query, refusal::Refusal};

const DEFAULT_LIMIT: usize = 10;
const LARGEST_LIMIT: usize = 100;

/// The requested page of `items`, which are given with their ids, oldest first.
pub(super) fn page(items: Vec<(&str, Value)>, query: &Query) -> Result<Value, Refusal> {
    let limit = limit(query)?;
    let mut items = items;
    if order(query)? == Order::NewestFirst {
        items.reverse();
    }
    let position = |id: &str| items.iter().position(|(other, _)| *other == id);
    let (first, end) = match (query.first("after"), query.first("before")) {
        (Some(id), _) => {
            let first = position(id).map_or(items.len(), |index| index + 1);
            (first, items.len().min(first + limit))
        }
        (None, Some(id)) => {
            let end = position(id).unwrap_or(0);
            (end.saturating_sub(limit), end)
        }
        (None, None) => (0, items.len().min(limit)),
    };
    let data: Vec<&Value> = items[first..end].iter().map(|(_, item)| item).collect();
    let before = (first > 0 && first < end).then(|| items[first].0);
    let after = (first < end && end < items.len()).then(|| items[end - 1].0);
    Ok(json!({
        "object": "list",
        "data": data,
        "list_metadata": {"before": before, "after": after},
    }))
}

fn limit(query: &Query) -> Result<usize, Refusal> {
    let Some(text) = query.first("limit") else { return Ok(DEFAULT_LIMIT) };
    let limit = text.parse().ok().filter(|limit| (1..=LARGEST_LIMIT).contains(limit));
    limit.ok_or_else(|| {
        Refusal::invalid_parameter("limit_invalid", "limit must be a number from 1 to 100.")
    })
}

#[derive(PartialEq, Eq)]
enum Order {
    OldestFirst,
    NewestFirst,
}

fn order(query: &Query) -> Result<Order, Refusal> {
    match query.first("order") {
        None | Some("desc") => Ok(Order::NewestFirst),
        Some("asc" | "normal") => Ok(Order::OldestFirst),
        Some(_) => {
            Err(Refusal::invalid_parameter("order_invalid", "order must be asc, desc or normal."))
        }
    }
}
