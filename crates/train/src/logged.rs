//! Logs as observers of training.

use wengert_tensor::Result;

use crate::observer::{Control, EpochEvent, Observer, StepEvent};
use crate::report::{Log, Report};

/// Reports every epoch to a log: the mean loss of its batches as `training loss`, the learning rate as `lr`, and what validation
/// gave; and steps, where that is [asked for](Self::steps).
///
/// ```
/// use wengert_train::{CsvLog, JsonlLog, Logged};
/// # let folder = tempfile::tempdir().unwrap();
/// # let folder = folder.path().to_path_buf();
/// // The log forgets what came after the step that training goes on from.
/// let (epochs, steps) = (folder.join("epochs.csv"), folder.join("steps.jsonl"));
/// let observers = (
///     Logged::new(move |step| CsvLog::resume(&epochs, step)),
///     Logged::new(move |step| JsonlLog::resume(&steps, step)).steps(10),
/// );
/// # let _ = observers;
/// ```
pub struct Logged<'m> {
    open: Option<Open<'m>>,
    log: Option<Box<dyn Log + 'm>>,
    steps: Option<u64>,
    /// The step that training goes on from.
    from: u64,
}

/// Opens a log at a step.
type Open<'m> = Box<dyn FnOnce(u64) -> Result<Box<dyn Log + 'm>> + 'm>;

impl<'m> Logged<'m> {
    /// The log that `open` opens: for the step that training goes on from, after which there is to be nothing in it; 0 for training
    /// from the beginning.
    pub fn new<L: Log + 'm>(open: impl FnOnce(u64) -> Result<L> + 'm) -> Self {
        let open = |step| open(step).map(|log| Box::new(log) as Box<dyn Log + 'm>);
        Self { open: Some(Box::new(open)), log: None, steps: None, from: 0 }
    }

    /// The same, with the loss and the learning rate of every `n`-th step.
    pub fn steps(self, n: u64) -> Self {
        Self { steps: Some(n.max(1)), ..self }
    }

    fn report(&mut self, report: &Report) -> Result<()> {
        if let Some(open) = self.open.take() {
            self.log = Some(open(self.from)?);
        }
        self.log.as_mut().map_or(Ok(()), |log| log.report(report))
    }
}

impl Observer for Logged<'_> {
    fn step(&mut self, event: &StepEvent) -> Result<()> {
        if self.steps.is_none_or(|n| !event.step.is_multiple_of(n)) {
            return Ok(());
        }
        self.report(&Report::new(event.step, event.epoch).with("loss", event.loss).with("lr", event.lr))
    }

    fn epoch(&mut self, event: &EpochEvent<'_>, _: &mut Control) -> Result<()> {
        let report = Report::new(event.step, event.epoch).with("training loss", event.loss).with("lr", event.lr);
        self.report(&event.values.iter().fold(report, |report, (name, value)| report.with(name, *value)))
    }

    fn resumed(&mut self, step: u64) -> Result<()> {
        self.from = step;
        Ok(())
    }
}
