//! The results as an SVG chart, which follows the reader's light or dark theme: a panel per figure, a
//! row per endpoint, a mark at each median, and a line from quartile to quartile.

use std::fmt::{self, Display, Write as _};

use crate::axis::Axis;
use crate::results::{Figure, Results};
use crate::statistics::Spread;
use crate::subject::{Endpoint, Implementation, Secrets, Subject};
use crate::table::number;

const WIDTH: f64 = 980.0;
const PANEL: (f64, f64) = (WIDTH / 2.0, 290.0);
/// The space for endpoints' names, and at the right of an axis.
const MARGINS: (f64, f64) = (140.0, 40.0);
/// The first row of a panel, and the distance of two rows.
const ROWS: (f64, f64) = (44.0, 30.0);
/// What a label needs, so that it does not run into the next mark's.
const LABEL: f64 = 42.0;

pub(crate) const STYLE: &str = "
  text { font: 12px system-ui, sans-serif; fill: #24292f }
  .title { font-weight: 600; font-size: 14px }
  .number { font-size: 10px }
  .grid { stroke: #d8dee4 }
  .background { fill: #ffffff }
  .anteroom { --color: #0072b2 } .node { --color: #c04d00 }
  .default-rust { --color: #00805e } .hello { --color: #6e7781 }
  .mark { fill: var(--color) }
  .spread { stroke: var(--color); stroke-width: 3 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .grid { stroke: #30363d }
    .background { fill: #0d1117 }
    .anteroom { --color: #56b4e9 } .node { --color: #f0883e }
    .default-rust { --color: #3fc79a } .hello { --color: #9198a1 }
  }
";

/// The chart, of the secrets in Secrets Manager.
pub(crate) fn chart(results: &Results) -> Result<String, fmt::Error> {
    let height = PANEL.1 * 3.0;
    let mut svg = String::new();
    writeln!(
        svg,
        r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" role="img">"#
    )?;
    writeln!(svg, "<title>{}</title>", summary(results))?;
    writeln!(svg, "<style>{STYLE}</style>")?;
    writeln!(svg, r#"<rect class="background" width="{WIDTH}" height="{height}"/>"#)?;
    for (at, figure) in Figure::ALL.into_iter().enumerate() {
        writeln!(svg, r#"<g transform="{}">"#, translation(at))?;
        panel(&mut svg, results, figure)?;
        svg.push_str("</g>\n");
    }
    writeln!(svg, r#"<g transform="{}">"#, translation(Figure::ALL.len()))?;
    legend(&mut svg)?;
    svg.push_str("</g>\n</svg>\n");
    Ok(svg)
}

/// What the chart shows, for those who do not see it.
fn summary(results: &Results) -> String {
    let ratios = subjects().filter(|one| one.implementation == Implementation::Anteroom);
    let ratios = ratios.filter_map(|ours| {
        let node = Subject { implementation: Implementation::Node, ..ours };
        let of = |subject| Some(results.of(subject)?.spread(Figure::FirstAnswer).median);
        Some(format!("{} {:.0} times", ours.endpoint.name(), of(node)? / of(ours)?))
    });
    let ratios: Vec<_> = ratios.collect();
    format!(
        "CPU time of Node 24 to that of Anteroom, start and first answer: {}",
        ratios.join(", ")
    )
}

fn translation(panel: usize) -> impl Display {
    let column = if panel.is_multiple_of(2) { 0.0 } else { PANEL.0 };
    let row = [0.0, PANEL.1, PANEL.1 * 2.0][panel / 2];
    format!("translate({column} {row})")
}

/// The subjects in the chart.
fn subjects() -> impl Iterator<Item = Subject> {
    Endpoint::COMPARED.into_iter().flat_map(|endpoint| {
        let secrets = match endpoint {
            Endpoint::Hello => Secrets::Variables,
            _ => Secrets::SecretsManager,
        };
        let subject = move |&implementation| Subject { endpoint, implementation, secrets };
        endpoint.implementations().iter().map(subject)
    })
}

fn panel(svg: &mut String, results: &Results, figure: Figure) -> fmt::Result {
    let spreads: Vec<(Subject, Spread)> = subjects()
        .filter(|subject| is_drawn(*subject, figure))
        .filter_map(|subject| Some((subject, results.of(subject)?.spread(figure))))
        .collect();
    let (left, right) = MARGINS;
    let axis = Axis::over(spreads.iter().map(|(_, spread)| spread.median), PANEL.0 - left - right);
    writeln!(svg, r#"<text class="title" x="{left}" y="18">{}</text>"#, figure.name())?;
    let rows = Endpoint::COMPARED.iter().zip(0_u8..);
    let bottom = ROWS.0 + ROWS.1 * 6.5;
    for (position, text) in axis.ticks() {
        let x = left + position;
        let top = ROWS.0 - ROWS.1 / 2.0;
        writeln!(svg, r#"<line class="grid" x1="{x:.1}" x2="{x:.1}" y1="{top}" y2="{bottom}"/>"#)?;
        let y = bottom + 14.0;
        writeln!(
            svg,
            r#"<text class="number" x="{x:.1}" y="{y}" text-anchor="middle">{text}</text>"#
        )?;
    }
    for (endpoint, row) in rows {
        let y = ROWS.0 + ROWS.1 * f64::from(row);
        let (x, baseline) = (left - 12.0, y + 4.0);
        let name = endpoint.name();
        writeln!(svg, r#"<text x="{x}" y="{baseline}" text-anchor="end">{name}</text>"#)?;
        let mut row: Vec<_> = spreads.iter().filter(|(one, _)| one.endpoint == *endpoint).collect();
        row.sort_by(|(_, one), (_, other)| one.median.total_cmp(&other.median));
        let x = |figure| left + axis.position(figure);
        let sides = sides(row.iter().map(|(_, spread)| x(spread.median)));
        for ((subject, spread), side) in row.into_iter().zip(sides) {
            let ends = (x(spread.lower_quartile), x(spread.upper_quartile));
            mark(svg, subject.implementation, x(spread.median), ends, y)?;
            label(svg, x(spread.median), y, side, &number(spread.median))?;
        }
    }
    Ok(())
}

/// The bundle of Node's `hello` is a few hundred bytes, which would make the axis too long for the others.
fn is_drawn(subject: Subject, figure: Figure) -> bool {
    let is_tiny =
        subject.endpoint == Endpoint::Hello && subject.implementation == Implementation::Node;
    !(is_tiny && figure == Figure::Zipped)
}

/// Where a mark's label is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Above,
    Below,
}

/// The sides of labels for marks in a row, from left to right: above, or below where the mark before is near and
/// has its label above.
fn sides(marks: impl Iterator<Item = f64>) -> Vec<Side> {
    let mut free_from = f64::MIN;
    let side = |x| {
        if x < free_from {
            return Side::Below;
        }
        free_from = x + LABEL;
        Side::Above
    };
    marks.map(side).collect()
}

/// A mark whose shape tells the implementation as well as its color.
fn mark(
    svg: &mut String,
    implementation: Implementation,
    x: f64,
    (from, to): (f64, f64),
    y: f64,
) -> fmt::Result {
    let (class, path) = match implementation {
        Implementation::Anteroom => ("anteroom", "m-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0z"),
        Implementation::Node => ("node", "m-4.5-4.5h9v9h-9z"),
        Implementation::DefaultRust => ("default-rust", "m0-6l6 6l-6 6l-6-6z"),
        Implementation::Bare => ("hello", "m-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0z"),
        Implementation::CargoLambda => ("hello", "m0-6l5.5 10h-11z"),
    };
    writeln!(
        svg,
        r#"<g class="{class}"><line class="spread" x1="{from:.1}" x2="{to:.1}" y1="{y}" y2="{y}"/><path class="mark" d="M{x:.1} {y}{path}"/></g>"#
    )
}

fn label(svg: &mut String, x: f64, y: f64, side: Side, text: &str) -> fmt::Result {
    let x = x + 8.0;
    let y = match side {
        Side::Above => y - 4.0,
        Side::Below => y + 12.0,
    };
    writeln!(svg, r#"<text class="number" x="{x:.1}" y="{y}">{text}</text>"#)
}

fn legend(svg: &mut String) -> fmt::Result {
    use Implementation::{Anteroom, Bare, CargoLambda, DefaultRust, Node};
    let (left, _) = MARGINS;
    for (implementation, row) in
        [Anteroom, DefaultRust, Node, Bare, CargoLambda].into_iter().zip(0_u8..)
    {
        let y = ROWS.0 + ROWS.1 * f64::from(row);
        let x = left + 4.0;
        mark(svg, implementation, x, (x - 14.0, x + 14.0), y)?;
        let (x, baseline) = (x + 26.0, y + 4.0);
        let text = match implementation {
            Bare | CargoLambda => format!("hello, {}", implementation.name()),
            _ => implementation.name().to_owned(),
        };
        writeln!(svg, r#"<text x="{x}" y="{baseline}">{text}</text>"#)?;
    }
    let y = ROWS.0 + ROWS.1 * 5.5;
    let text = "Medians and quartiles, on logarithmic scales.";
    writeln!(svg, r#"<text x="{left}" y="{y}">{text}</text>"#)?;
    let (y, text) = (y + 18.0, "Secrets are in Secrets Manager.");
    writeln!(svg, r#"<text x="{left}" y="{y}">{text}</text>"#)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_of_near_marks_take_turns() {
        let marks = [10.0, 20.0, 60.0, 70.0, 200.0];
        let sides = sides(marks.into_iter());
        assert_eq!(sides, [Side::Above, Side::Below, Side::Above, Side::Below, Side::Above]);
    }
}
