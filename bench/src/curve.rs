//! Figures that depend on a number, as tables in Markdown and as SVG charts, which follow the reader's
//! light or dark theme: a panel per figure, with linear axes from zero.

use std::fmt::{self, Write as _};

use serde_json::{Value, json};

use crate::chart::STYLE;
use crate::table::number;

/// The size of a panel, and the space left of, above, right of and below its axes.
const PANEL: (f64, f64) = (490.0, 270.0);
const MARGINS: (f64, f64, f64, f64) = (56.0, 34.0, 16.0, 84.0);

/// The colors of the series, in the order of the classes in [`STYLE`].
const CLASSES: [&str; 4] = ["anteroom", "node", "default-rust", "hello"];

/// The distances between two ticks of an axis, times a power of ten.
const STEPS: [f64; 3] = [1.0, 2.0, 5.0];

/// Several panels that belong together.
pub(crate) struct Curves {
    pub(crate) title: String,
    pub(crate) panels: Vec<Panel>,
}

/// Figures of one kind.
pub(crate) struct Panel {
    pub(crate) title: String,
    /// What the figures depend on.
    pub(crate) x: &'static str,
    pub(crate) series: Vec<Series>,
}

/// The figures of one subject, in the order of what they depend on.
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
}

impl Curves {
    /// Prints a table per panel, of at most about a dozen rows.
    pub(crate) fn print(&self) {
        println!("## {}\n", self.title);
        for panel in &self.panels {
            println!("### {}\n", panel.title);
            let names: Vec<_> = panel.series.iter().map(|one| one.name.as_str()).collect();
            println!("| {} | {} |", panel.x, names.join(" | "));
            println!("|---|{}", "---|".repeat(names.len()));
            let Some(first) = panel.series.first() else { continue };
            let every = first.points.len().div_ceil(12).max(1);
            let last = first.points.len().saturating_sub(1);
            for (at, (x, _)) in first.points.iter().enumerate() {
                if at % every != 0 && at != last {
                    continue;
                }
                let cells =
                    panel.series.iter().map(|one| one.at(*x).map_or_else(String::new, number));
                println!("| {x} | {} |", cells.collect::<Vec<_>>().join(" | "));
            }
            println!();
        }
    }

    pub(crate) fn json(&self) -> Value {
        let series = |one: &Series| json!({ "name": one.name, "points": one.points });
        let panel = |panel: &Panel| {
            json!({
                "title": panel.title,
                "x": panel.x,
                "series": panel.series.iter().map(series).collect::<Vec<_>>(),
            })
        };
        json!({
            "title": self.title,
            "panels": self.panels.iter().map(panel).collect::<Vec<_>>(),
        })
    }

    pub(crate) fn svg(&self) -> Result<String, fmt::Error> {
        let (mut width, height) = (0.0, PANEL.1);
        for _ in &self.panels {
            width += PANEL.0;
        }
        let mut svg = String::new();
        writeln!(
            svg,
            r#"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">"#
        )?;
        writeln!(svg, "<title>{}</title>", self.title)?;
        writeln!(
            svg,
            "<style>{STYLE}  .line {{ stroke: var(--color); stroke-width: 2; fill: none }}\n</style>"
        )?;
        writeln!(svg, r#"<rect class="background" width="{width}" height="{height}"/>"#)?;
        let mut left = 0.0;
        for panel in &self.panels {
            writeln!(svg, r#"<g transform="translate({left} 0)">"#)?;
            panel.draw(&mut svg)?;
            svg.push_str("</g>\n");
            left += PANEL.0;
        }
        svg.push_str("</svg>\n");
        Ok(svg)
    }
}

impl Series {
    pub(crate) fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), points: Vec::new() }
    }

    pub(crate) fn push(&mut self, x: f64, y: f64) {
        self.points.push((x, y));
    }

    fn at(&self, x: f64) -> Option<f64> {
        self.points.iter().find(|(other, _)| (other - x).abs() < 1e-9).map(|(_, y)| *y)
    }
}

impl Panel {
    pub(crate) fn new(title: impl Into<String>, x: &'static str, series: Vec<Series>) -> Self {
        Self { title: title.into(), x, series }
    }

    fn draw(&self, svg: &mut String) -> fmt::Result {
        let (left, top, right, bottom) = MARGINS;
        let (width, height) = (PANEL.0 - left - right, PANEL.1 - top - bottom);
        let points = || self.series.iter().flat_map(|one| &one.points);
        let across = LinearAxis::up_to(points().map(|(x, _)| *x), width);
        let up = LinearAxis::up_to(points().map(|(_, y)| *y), height);
        let base = top + height;
        writeln!(svg, r#"<text class="title" x="{left}" y="18">{}</text>"#, self.title)?;
        for tick in up.ticks() {
            let (y, end) = (base - up.position(tick), left + width);
            writeln!(
                svg,
                r#"<line class="grid" x1="{left}" x2="{end}" y1="{y:.1}" y2="{y:.1}"/>"#
            )?;
            let (x, y, text) = (left - 6.0, y + 4.0, shortest(tick));
            writeln!(
                svg,
                r#"<text class="number" x="{x}" y="{y:.1}" text-anchor="end">{text}</text>"#
            )?;
        }
        for tick in across.ticks() {
            let (x, y, text) = (left + across.position(tick), base + 14.0, shortest(tick));
            writeln!(
                svg,
                r#"<text class="number" x="{x:.1}" y="{y}" text-anchor="middle">{text}</text>"#
            )?;
        }
        let (x, y) = (left + width, base + 28.0);
        writeln!(svg, r#"<text x="{x}" y="{y}" text-anchor="end">{}</text>"#, self.x)?;
        for (at, (series, class)) in self.series.iter().zip(CLASSES).enumerate() {
            let place = |(x, y): &(f64, f64)| {
                format!("{:.1},{:.1}", left + across.position(*x), base - up.position(*y))
            };
            let places: Vec<_> = series.points.iter().map(place).collect();
            let line = places.join(" ");
            writeln!(svg, r#"<g class="{class}"><polyline class="line" points="{line}"/>"#)?;
            let (x, y) = (left + [0.0, 210.0][at % 2], base + [46.0, 64.0][at / 2]);
            let (end, middle, text) = (x + 18.0, y - 4.0, x + 24.0);
            writeln!(
                svg,
                r#"<line class="line" x1="{x}" x2="{end}" y1="{middle}" y2="{middle}"/>"#
            )?;
            writeln!(svg, r#"<text x="{text}" y="{y}">{}</text></g>"#, series.name)?;
        }
        Ok(())
    }
}

/// A linear axis from zero, of a length in pixels.
struct LinearAxis {
    end: f64,
    step: f64,
    length: f64,
}

impl LinearAxis {
    /// The axis that has all these figures, with five to ten ticks.
    fn up_to(figures: impl Iterator<Item = f64>, length: f64) -> Self {
        let most = figures.fold(f64::MIN_POSITIVE, f64::max);
        let mut power = 10_f64.powf((most / 10.0).log10().floor());
        let step = loop {
            match STEPS.map(|step| step * power).into_iter().find(|step| most / step <= 6.0) {
                Some(step) => break step,
                None => power *= 10.0,
            }
        };
        Self { end: (most / step).ceil() * step, step, length }
    }

    fn position(&self, figure: f64) -> f64 {
        figure / self.end * self.length
    }

    fn ticks(&self) -> impl Iterator<Item = f64> {
        (0_u8..)
            .map(|tick| f64::from(tick) * self.step)
            .take_while(|tick| *tick <= self.end * 1.001)
    }
}

/// A tick's number, without what floating-point arithmetic adds.
fn shortest(tick: f64) -> String {
    let text = format!("{tick:.3}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_numbers_from_zero_past_the_largest_figure() {
        for (most, ticks) in [
            (1.0, vec!["0", "0.2", "0.4", "0.6", "0.8", "1"]),
            (200.0, vec!["0", "50", "100", "150", "200"]),
            (0.073, vec!["0", "0.02", "0.04", "0.06", "0.08"]),
            (10_000.0, vec!["0", "2000", "4000", "6000", "8000", "10000"]),
        ] {
            let axis = LinearAxis::up_to([most, most / 3.0].into_iter(), 100.0);
            assert_eq!(axis.ticks().map(shortest).collect::<Vec<_>>(), ticks, "{most}");
            assert!(axis.position(most) <= 100.0 && axis.position(0.0) == 0.0, "{most}");
        }
    }

    #[test]
    fn a_chart_has_a_line_per_series() {
        let series = |name: &str| Series { name: name.to_owned(), points: vec![(1.0, 2.0)] };
        let panel = Panel {
            title: "CPU".to_owned(),
            x: "requests",
            series: vec![series("one"), series("other")],
        };
        let curves = Curves { title: "Test".to_owned(), panels: vec![panel] };
        let svg = curves.svg().unwrap();
        assert_eq!(svg.matches("<polyline").count(), 2);
        assert!(svg.contains(">one</text>") && svg.contains(">other</text>"), "{svg}");
    }
}
