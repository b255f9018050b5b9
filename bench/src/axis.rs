//! A logarithmic axis of a chart.

/// The axis from one power of ten to another, over a width in pixels.
pub(crate) struct Axis {
    first: i32,
    last: i32,
    width: f64,
}

impl Axis {
    /// The shortest axis that has all these figures, which must be positive.
    pub(crate) fn over(figures: impl Iterator<Item = f64>, width: f64) -> Self {
        let (mut least, mut most) = (f64::MAX, f64::MIN_POSITIVE);
        for figure in figures {
            (least, most) = (least.min(figure), most.max(figure));
        }
        let first = exponent(least.log10().floor());
        Self { first, last: exponent(most.log10().ceil()).max(first + 1), width }
    }

    /// The distance of a figure from the axis' start.
    pub(crate) fn position(&self, figure: f64) -> f64 {
        let whole = f64::from(self.last - self.first);
        (figure.log10() - f64::from(self.first)) / whole * self.width
    }

    /// The powers of ten, with their text.
    pub(crate) fn ticks(&self) -> impl Iterator<Item = (f64, String)> {
        (self.first..=self.last).map(|power| {
            let decimals = usize::try_from(-power).unwrap_or_default();
            let tick = 10_f64.powi(power);
            (self.position(tick), format!("{tick:.decimals$}"))
        })
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the logarithm of a figure is small")]
fn exponent(logarithm: f64) -> i32 {
    logarithm as i32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_powers_of_ten_around_all_figures() {
        let axis = Axis::over([0.04, 3.0, 250.0].into_iter(), 500.0);
        let texts: Vec<_> = axis.ticks().map(|(_, text)| text).collect();
        assert_eq!(texts, ["0.01", "0.1", "1", "10", "100", "1000"]);
        assert!((axis.position(1.0) - 200.0).abs() < 1e-9);
        assert!((axis.position(1000.0) - 500.0).abs() < 1e-9);
    }

    #[test]
    fn a_single_figure_has_an_axis_too() {
        let texts: Vec<_> = Axis::over([10.0].into_iter(), 1.0).ticks().collect();
        assert_eq!(texts.len(), 2);
    }
}
