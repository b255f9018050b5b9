//! How long the answers took, by endpoint.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anteroom_security::Table;

/// What happened at every endpoint.
#[derive(Default)]
pub(crate) struct Figures(Mutex<BTreeMap<&'static str, Figure>>);

#[derive(Default)]
struct Figure {
    took: Vec<Duration>,
    excused: usize,
}

impl Figures {
    /// Counts an answer. One that an outage excuses is not among the percentiles.
    pub(crate) fn add(&self, endpoint: &'static str, took: Duration, is_excused: bool) {
        let mut figures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let figure = figures.entry(endpoint).or_default();
        if is_excused { figure.excused += 1 } else { figure.took.push(took) }
    }

    /// The table of all endpoints.
    pub(crate) fn table(&self) -> Table {
        let columns =
            ["request", "answers", "excused by an outage", "p50 ms", "p90 ms", "p99 ms", "most ms"];
        let mut table = Table::new("Load", &columns);
        let mut figures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (endpoint, figure) in figures.iter_mut() {
            figure.took.sort();
            let at = |percent: usize| {
                let index = (figure.took.len() * percent).div_ceil(100).max(1) - 1;
                let took = figure.took.get(index).copied().unwrap_or_default();
                format!("{:.0}", took.as_secs_f64() * 1000.0)
            };
            let cells = [
                (*endpoint).to_owned(),
                figure.took.len().to_string(),
                figure.excused.to_string(),
                at(50),
                at(90),
                at(99),
                at(100),
            ];
            let held = if figure.took.is_empty() { Err("no success".to_owned()) } else { Ok(()) };
            table.row(cells, held);
        }
        table
    }

    /// How many answers there were, and how many of them an outage excused.
    pub(crate) fn totals(&self) -> (usize, usize) {
        let figures = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let excused = figures.values().map(|figure| figure.excused).sum();
        let good: usize = figures.values().map(|figure| figure.took.len()).sum();
        (good + excused, excused)
    }
}
