//! Keeps the processors awake while something is measured.

use std::process::{Child, Command, Stdio};
use std::{iter, process, thread};

use crate::Failure;

/// Loops until its parent, whose process id is its first argument, has ended.
const LOOP: &str = "while kill -0 $0; do i=0; while [ $i -lt 100000 ]; do i=$((i+1)); done; done";

/// A loop of the lowest priority on every processor. An idle processor sleeps, and whatever runs next pays for its
/// waking up: on a virtual machine, the figures of all subjects rise by a third, and those of short ones the most.
pub(crate) struct Awake(Vec<Child>);

impl Awake {
    pub(crate) fn start() -> Result<Self, Failure> {
        let parent = process::id().to_string();
        let busy = || {
            let mut nice = Command::new("nice");
            nice.args(["-n", "19", "sh", "-c", LOOP, &parent]);
            nice.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn()
        };
        let processors = thread::available_parallelism()?.get();
        Ok(Self(iter::repeat_with(busy).take(processors).collect::<Result<_, _>>()?))
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // It may have ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
