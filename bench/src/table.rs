//! The results as tables in Markdown.

use crate::results::{Figure, Results};
use crate::statistics::Spread;
use crate::subject::{Endpoint, Implementation, Secrets, Subject};

/// Prints a table per figure: a row per endpoint and place of its secrets, with medians, quartiles,
/// and ratios to Anteroom.
pub(crate) fn print_by_figure(results: &Results) {
    for figure in Figure::ALL {
        println!("### {}\n", figure.name());
        print_hello(results, figure);
        println!(
            "| endpoint | secrets from | Anteroom | to bare `hello` | Node 24 | default Rust |"
        );
        println!("|---|---|---|---|---|---|");
        for endpoint in Endpoint::COMPARED.into_iter().filter(|one| *one != Endpoint::Hello) {
            for &secrets in endpoint.secrets() {
                print_row(results, figure, endpoint, secrets);
            }
        }
        println!();
    }
}

fn print_hello(results: &Results, figure: Figure) {
    let kinds = Endpoint::Hello.implementations().iter().filter_map(|&implementation| {
        let spread = spread(results, figure, Subject { implementation, ..Subject::HELLO })?;
        Some(format!("{} {}", implementation.name(), cell(spread)))
    });
    println!("`hello`: {}\n", kinds.collect::<Vec<_>>().join(", "));
}

fn print_row(results: &Results, figure: Figure, endpoint: Endpoint, secrets: Secrets) {
    let of =
        |implementation| spread(results, figure, Subject { endpoint, implementation, secrets });
    let Some(ours) = of(Implementation::Anteroom) else { return };
    let other = |implementation| {
        let cell = |other: Spread| format!("{} ({:.1}×)", cell(other), other.median / ours.median);
        of(implementation).map_or_else(String::new, cell)
    };
    let hello = spread(results, figure, Subject::HELLO);
    let to_hello = hello.map(|hello| format!("{:.2}×", ours.median / hello.median));
    println!(
        "| {} | {} | {} | {} | {} | {} |",
        endpoint.name(),
        secrets.name(),
        cell(ours),
        to_hello.unwrap_or_default(),
        other(Implementation::Node),
        other(Implementation::DefaultRust),
    );
}

/// Prints one table with a row per figure and a column per subject, with ratios to the first
/// subject.
pub(crate) fn print_by_subject(results: &Results) {
    let names: Vec<_> = results.0.iter().map(|one| one.subject.name()).collect();
    println!("| figure | {} |", names.join(" | "));
    println!("|---|{}", "---|".repeat(names.len()));
    for figure in Figure::ALL {
        let medians: Vec<_> = results.0.iter().map(|one| one.spread(figure).median).collect();
        let cells = medians.iter().enumerate().map(|(at, &median)| match at {
            0 => number(median),
            _ => format!("{} ({:.2}×)", number(median), median / medians[0]),
        });
        println!("| {} | {} |", figure.name(), cells.collect::<Vec<_>>().join(" | "));
    }
}

fn spread(results: &Results, figure: Figure, subject: Subject) -> Option<Spread> {
    results.of(subject).map(|one| one.spread(figure))
}

/// A median with its quartiles, unless they are the same.
fn cell(spread: Spread) -> String {
    let (lower, upper) = (number(spread.lower_quartile), number(spread.upper_quartile));
    match number(spread.median) {
        median if lower == upper => median,
        median => format!("{median} [{lower}–{upper}]"),
    }
}

/// A figure with three significant digits.
pub(crate) fn number(value: f64) -> String {
    match value {
        ..1.0 => format!("{value:.3}"),
        1.0..10.0 => format!("{value:.2}"),
        10.0..100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}
