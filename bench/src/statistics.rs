//! Medians and quartiles.

/// The middle of some figures, and how far they spread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) lower_quartile: f64,
    pub(crate) median: f64,
    pub(crate) upper_quartile: f64,
}

impl Spread {
    /// # Panics
    /// If there are no figures.
    pub(crate) fn of(mut figures: Vec<f64>) -> Self {
        figures.sort_by(f64::total_cmp);
        Self {
            lower_quartile: quantile(&figures, 1),
            median: quantile(&figures, 2),
            upper_quartile: quantile(&figures, 3),
        }
    }
}

/// The figure below which this many quarters of the sorted figures are, interpolated.
fn quantile(sorted: &[f64], quarters: usize) -> f64 {
    let position = (sorted.len() - 1) * quarters;
    let (below, rest) = (sorted[position / 4], position % 4);
    let above = sorted[(position / 4 + 1).min(sorted.len() - 1)];
    let share = [0.0, 0.25, 0.5, 0.75][rest];
    below + (above - below) * share
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_lie_between_the_figures_next_to_them() {
        for (figures, lower_quartile, median, upper_quartile) in [
            (vec![3.0], 3.0, 3.0, 3.0),
            (vec![2.0, 1.0], 1.25, 1.5, 1.75),
            (vec![5.0, 1.0, 4.0, 2.0, 3.0], 2.0, 3.0, 4.0),
            (vec![4.0, 1.0, 2.0, 3.0], 1.75, 2.5, 3.25),
        ] {
            let expected = Spread { lower_quartile, median, upper_quartile };
            assert_eq!(Spread::of(figures.clone()), expected, "{figures:?}");
        }
    }
}
