//! [`Table`]: rows that are printed as Markdown, each of which can fail.

/// Whether a row held, and if not, what happened instead.
pub type Outcome = Result<(), String>;

/// A table of checks. [`finish`](Self::finish) prints it and fails if any row did.
#[derive(Debug)]
pub struct Table {
    title: String,
    columns: Vec<&'static str>,
    rows: Vec<Vec<String>>,
    failures: Vec<String>,
}

impl Table {
    /// An empty table with these columns; a last one, `held`, is added.
    pub fn new(title: impl Into<String>, columns: &[&'static str]) -> Self {
        Self {
            title: title.into(),
            columns: columns.to_vec(),
            rows: Vec::new(),
            failures: Vec::new(),
        }
    }

    /// Adds a row.
    ///
    /// # Panics
    /// If it does not have one cell for each column.
    pub fn row<C: Into<String>>(&mut self, cells: impl IntoIterator<Item = C>, outcome: Outcome) {
        let mut cells: Vec<String> = cells.into_iter().map(Into::into).collect();
        assert_eq!(cells.len(), self.columns.len(), "{cells:?}");
        let held = match outcome {
            Ok(()) => "yes".to_owned(),
            Err(instead) => {
                self.failures.push(format!("{}: {instead}", cells.join(" | ")));
                format!("NO: {instead}")
            }
        };
        cells.push(held);
        self.rows.push(cells);
    }

    /// Adds another table's rows.
    ///
    /// # Panics
    /// If it has other columns.
    pub fn append(&mut self, other: Self) {
        assert_eq!(self.columns, other.columns);
        self.rows.extend(other.rows);
        self.failures.extend(other.failures);
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Prints the table.
    ///
    /// # Panics
    /// If it is empty, or a row failed.
    #[allow(clippy::print_stdout, reason = "people who run the tests read the table")]
    pub fn finish(self) {
        assert!(!self.rows.is_empty(), "{} has no rows", self.title);
        println!("{}", self.as_markdown());
        let failures = self.failures.join("\n");
        assert!(
            failures.is_empty(),
            "{} rows of {} failed:\n{failures}",
            self.failures.len(),
            self.title
        );
    }

    fn as_markdown(&self) -> String {
        let line = |cells: &mut dyn Iterator<Item = String>| {
            format!("| {} |\n", cells.collect::<Vec<_>>().join(" | "))
        };
        let columns = || self.columns.iter().copied().chain(["held"]);
        let mut text = format!("\n## {} ({} rows)\n\n", self.title, self.rows.len());
        text += &line(&mut columns().map(str::to_owned));
        text += &line(&mut columns().map(|_| "---".to_owned()));
        for row in &self.rows {
            text += &line(&mut row.iter().map(|cell| escaped(cell)));
        }
        text
    }
}

/// A cell's text on one line, without what would end the cell.
fn escaped(cell: &str) -> String {
    cell.replace('|', "\\|")
        .chars()
        .flat_map(|letter| {
            if letter.is_control() { letter.escape_default().collect() } else { vec![letter] }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_printed_as_markdown() {
        let mut table = Table::new("Attacks", &["attempt", "answer"]);
        table.row(["a|b\n", "401"], Ok(()));
        let text = table.as_markdown();
        assert!(text.starts_with(
            "\n## Attacks (1 rows)\n\n| attempt | answer | held |\n| --- | --- | --- |\n"
        ));
        assert!(text.ends_with("| a\\|b\\n | 401 | yes |\n"), "{text}");
        table.finish();
    }

    #[test]
    #[should_panic(expected = "1 rows of Attacks failed:\nno token | 401: it was 200")]
    fn fails_with_the_rows_that_failed() {
        let mut table = Table::new("Attacks", &["attempt", "answer"]);
        table.row(["no token", "401"], Err("it was 200".to_owned()));
        table.finish();
    }
}
