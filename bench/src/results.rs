//! The results of several rounds: the figures of each subject, with their spread.

use std::io::Write as _;

use crate::Failure;
use crate::awake::Awake;
use crate::measurement::{Measurement, Plan};
use crate::programs::Programs;
use crate::providers::Providers;
use crate::statistics::Spread;
use crate::subject::Subject;
use crate::zipped_size::zipped_mib;

/// What is measured of each subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Figure {
    Start,
    FirstAnswer,
    Warm,
    Memory,
    Zipped,
}

impl Figure {
    pub(crate) const ALL: [Self; 5] =
        [Self::Start, Self::FirstAnswer, Self::Warm, Self::Memory, Self::Zipped];

    /// The name, with the unit.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Start => "start, ms CPU",
            Self::FirstAnswer => "start and first answer, ms CPU",
            Self::Warm => "warm request, ms CPU",
            Self::Memory => "peak memory, MiB",
            Self::Zipped => "zipped, MiB",
        }
    }

    /// The name in the JSON file.
    pub(crate) const fn key(self) -> &'static str {
        match self {
            Self::Start => "startMilliseconds",
            Self::FirstAnswer => "startAndFirstAnswerMilliseconds",
            Self::Warm => "warmMilliseconds",
            Self::Memory => "peakMemoryMebibytes",
            Self::Zipped => "zippedMebibytes",
        }
    }
}

/// The results of one subject.
#[derive(Clone, Debug)]
pub(crate) struct SubjectResults {
    pub(crate) subject: Subject,
    measurements: Vec<Measurement>,
    zipped_mib: f64,
}

impl SubjectResults {
    pub(crate) fn spread(&self, figure: Figure) -> Spread {
        let of =
            |get: fn(&Measurement) -> f64| Spread::of(self.measurements.iter().map(get).collect());
        match figure {
            Figure::Start => of(|one| one.start_ms),
            Figure::FirstAnswer => of(|one| one.first_answer_ms),
            Figure::Warm => of(|one| one.warm_ms),
            Figure::Memory => of(|one| one.memory_mib),
            Figure::Zipped => Spread::of(vec![self.zipped_mib]),
        }
    }
}

/// The results of all subjects.
#[derive(Clone, Debug)]
pub(crate) struct Results(pub(crate) Vec<SubjectResults>);

impl Results {
    /// Measures every subject once per round, so that whatever slows the machine down for a while
    /// affects all of them. The order is reversed in every other round.
    pub(crate) async fn measure(
        subjects: &[Subject],
        programs: &Programs,
        plan: Plan,
    ) -> Result<Self, Failure> {
        let mut results = Vec::new();
        for &subject in subjects {
            let zipped_mib = zipped_mib(&programs.deployed(subject))?;
            results.push(SubjectResults { subject, measurements: Vec::new(), zipped_mib });
        }
        let _awake = Awake::start()?;
        for round in 1..=plan.rounds {
            // Their state grows with every request.
            let providers = Providers::start().await?;
            for (at, one) in results.iter_mut().enumerate() {
                progress(&format!("round {round} of {}, subject {}", plan.rounds, at + 1))?;
                let measurement = Measurement::of(one.subject, programs, &providers, plan).await?;
                one.measurements.push(measurement);
            }
            results.reverse();
        }
        progress("")?;
        if plan.rounds % 2 == 1 {
            results.reverse();
        }
        Ok(Self(results))
    }

    /// The results of a subject, if it was measured.
    pub(crate) fn of(&self, subject: Subject) -> Option<&SubjectResults> {
        self.0.iter().find(|one| one.subject == subject)
    }
}

/// Shows what is being done in a line that the next one replaces.
fn progress(text: &str) -> Result<(), Failure> {
    let mut output = std::io::stderr();
    write!(output, "\r\x1b[K{text}")?;
    output.flush()?;
    Ok(())
}
