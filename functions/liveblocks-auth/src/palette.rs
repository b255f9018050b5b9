//! The colors of users' cursors and avatars.

use rand::seq::IndexedRandom as _;

/// Eight colors that most color-blind people can distinguish: Okabe and Ito's without black, plus a
/// violet.
const PALETTE: [&str; 8] =
    ["#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7", "#7E57C2"];

/// A random color of the palette.
pub(crate) fn random_color() -> &'static str {
    PALETTE.choose(&mut rand::rng()).copied().unwrap_or(PALETTE[0])
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn draws_every_color_of_the_palette_and_no_other() {
        let drawn: HashSet<_> = (0..1000).map(|_| random_color()).collect();
        assert_eq!(drawn, HashSet::from(PALETTE));
    }
}
