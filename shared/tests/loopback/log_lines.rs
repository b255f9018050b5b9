//! What is logged, line by line.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use tracing::subscriber::DefaultGuard;

/// The lines that this thread has logged since [`LogLines::start`].
pub(crate) struct LogLines {
    written: Written,
    _guard: DefaultGuard,
}

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Write for Written {
    fn write(&mut self, text: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(text)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl LogLines {
    /// Listens to this thread, on which everything in a `tokio::test` runs.
    pub(crate) fn start() -> Self {
        let written = Written::default();
        let writer = written.clone();
        let lines = tracing_subscriber::fmt().with_writer(move || writer.clone()).without_time();
        let guard = tracing::subscriber::set_default(lines.with_ansi(false).finish());
        Self { written, _guard: guard }
    }

    /// How many lines have this text.
    pub(crate) fn with(&self, text: &str) -> usize {
        let written = self.written.0.lock().unwrap();
        str::from_utf8(&written).unwrap().lines().filter(|line| line.contains(text)).count()
    }
}
